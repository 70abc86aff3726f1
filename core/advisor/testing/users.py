"""Checks of what users meet: exporters, commands, and whole rankings with the plugin in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from advisor.api import Advisor
from advisor.candidates import Candidates
from advisor.context import Context
from advisor.devices import Device, System
from advisor.errors import InputError
from advisor.estimating import needed_estimates
from advisor.hookspecs import hookimpl
from advisor.interfaces import Backend, Exporter
from advisor.offers import Offer
from advisor.plugins import Plugins
from advisor.testing.requirement import Check, ConformanceError, require
from advisor.testing.samples import questions, sample_device, sample_offers, sample_systems

if TYPE_CHECKING:
    import click


class SampleBackend(Backend):
    """The least that a backend can do: everything as large and as slow as the weights."""

    name = "sample"
    doc = "made up for the conformance suite"

    def memory(self, rows: Candidates, context: Context) -> None:
        """Weights alone."""
        size = context.model.parameters * rows["weight_bits"] / 8 / rows["tensor_parallel"]
        rows["memory_weights"] = size
        rows.set_interval("memory", size, size, size)

    def estimate(self, rows: Candidates, context: Context) -> None:
        """Time to read the weights once, whatever is asked."""
        seconds = rows["memory"] / context.devices.memory_bandwidth[rows["device"]]
        values = {"samples_per_s": rows["batch"] / seconds, "power": context.devices.board_power[rows["device"]]}
        for name in needed_estimates(context):
            if name != "memory":
                value = values.get(name, seconds)
                rows.set_interval(name, value, value * 0.5, value * 2.0)
        rows["time_memory"] = seconds
        rows["flops_per_sample"] = 2.0 * context.model.active_parameters * context.tokens_per_sample


class SampleHardware:
    """A plugin with a device, systems, offers and a backend, so that there is always something to rank."""

    advisor_name = "sample hardware"

    @hookimpl
    def devices(self) -> Sequence[Device]:
        """One device."""
        return [sample_device()]

    @hookimpl
    def systems(self) -> Sequence[System]:
        """Nodes of it."""
        return sample_systems([sample_device()])

    @hookimpl
    def offers(self) -> Sequence[Offer]:
        """Offers of the nodes."""
        return sample_offers(self.systems())

    @hookimpl
    def backends(self) -> Sequence[Backend]:
        """The backend of the device."""
        return [SampleBackend()]


def ranking_checks(plugin: object, beside: Sequence[object]) -> Iterator[Check]:
    """Whole rankings, with made-up hardware and the plugins ``beside``: no warning, and the same answer each time."""
    for question in questions():
        yield Check(f"ranking: {question}", lambda q=question: _ranks(plugin, beside, q))  # type: ignore[misc]


def _ranks(plugin: object, beside: Sequence[object], question: str) -> None:
    model, workload = questions()[question]
    advisor = Advisor([SampleHardware(), *beside, plugin], discover=False)
    ranking = advisor.rank(model, workload)
    if ranking.warnings:
        raise ConformanceError(f"warned: {ranking.warnings[0]}")
    require(len(ranking.rows), "no candidate is left")
    answer = ranking.to_json()
    turned = Advisor([plugin, *reversed(beside), SampleHardware()], discover=False)
    require(turned.rank(model, workload).to_json() == answer, "the order in which plugins are given changes the answer")
    with ThreadPoolExecutor(2) as threads:
        others = list(threads.map(lambda _: advisor.rank(model, workload).to_json(), range(2)))
    require(others == [answer] * 2, "threads that rank at once get other answers")


def exporter_checks(exporter: Exporter, plugin: object, beside: Sequence[object]) -> Iterator[Check]:
    """Checks of one exporter on the best candidate of every question."""
    yield Check(f"exporter {exporter.name}: exports", lambda: _exports(exporter, plugin, beside))


def _exports(exporter: Exporter, plugin: object, beside: Sequence[object]) -> None:
    require(exporter.doc.strip(), "has no doc: one line on what it writes")
    advisor = Advisor([SampleHardware(), *beside, plugin], discover=False)
    written = 0
    for question, (model, workload) in questions().items():
        ranking = advisor.rank(model, workload)
        if ranking.best is None:
            continue
        try:
            text = exporter.export(ranking.best, ranking.context)
        except InputError as error:
            line = str(error)
            require(line.strip() and "\n" not in line, f"{question}: refused with {line!r}; expected one line")
            continue
        require(isinstance(text, str) and text.strip(), f"{question}: gives no text")
        require(text == exporter.export(ranking.best, ranking.context), f"{question}: writes otherwise a second time")
        written += 1
    require(written, "refuses the best candidate of every question")


def command_checks(plugin: object) -> Iterator[Check]:
    """Checks of the commands that the plugin adds."""
    yield Check("commands: have help and names of their own", lambda: _commands(plugin))


def _commands(plugin: object) -> None:
    import click
    from click.testing import CliRunner

    from advisor.cli.main import COMMANDS

    group: click.Group = click.Group("advisor")
    plugins = Plugins([plugin], discover=False)
    plugins.call_each("commands", group=group)
    if plugins.warnings:
        raise ConformanceError(plugins.warnings[0])
    require(group.commands, "the hook adds no command")
    for name, command in group.commands.items():
        require(name not in COMMANDS, f"command {name!r} is built in: it would never be reached")
        require(command.get_short_help_str().strip(), f"command {name!r} has no help")
        result = CliRunner().invoke(group, [name, "--help"])
        require(result.exit_code == 0, f"{name} --help leaves with {result.exit_code}: {result.output.strip()[:200]}")
