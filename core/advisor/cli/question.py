"""What ``rank``, ``explain`` and ``estimate`` share: the options of a question, asking it, exporting the answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from advisor.cli import output
from advisor.cli.model_options import open_model, take_model_options
from advisor.cli.options import job
from advisor.cli.progress import progress
from advisor.cli.session import Session
from advisor.errors import InputError, PluginError, UnknownNameError

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Ranking

Command = TypeVar("Command", bound=Callable[..., Any])


def owned_options(command: Command) -> Command:
    """Add ``--owned`` and ``--also-rent``."""
    for option in (
        click.option("--also-rent", is_flag=True, help="With --owned: rank what is on offer beside it."),
        click.option("--owned", type=click.Path(path_type=Path), metavar="FILE",
                     help="TOML inventory of hardware that you have, ranked alone at its running cost."),
    ):  # fmt: skip
        command = option(command)
    return command


def question_options(command: Command) -> Command:
    """Add ``--ranker`` and the options of owned hardware."""
    ranker = click.option("--ranker", default="", metavar="NAME[:ASPECT=NUMBER,...]",
                          help="Ranker that puts the candidates in order, with its settings of aspects.")  # fmt: skip
    return owned_options(ranker(command))


def export_options(command: Command) -> Command:
    """Add ``--export`` and where it goes."""
    for option in (
        output.force_option,
        click.option("--output", "output_file", type=click.Path(path_type=Path), metavar="FILE",
                     help="Write the export to a file."),
        click.option("--export", metavar="NAME", help="Print the best candidate as this exporter writes it."),
    ):  # fmt: skip
        command = option(command)
    return command


def refuse_stray_export(export: str | None, path: Path | None, as_json: bool, as_csv: bool) -> None:
    """Refuse an output file without an export to write, and an export that is to be JSON or CSV."""
    if path is not None and not export:
        raise InputError("--output goes with --export NAME (advisor exporters list)")
    if export and (as_json or as_csv):
        raise InputError(f"give --export or {'--json' if as_json else '--csv'}, not both")


def ask(session: Session, model: str | None, params: dict[str, Any]) -> Ranking:
    """Rank ``model`` for the workload that the options describe."""
    options = take_model_options(params)
    owned: Path | None = params.get("owned")
    if params.get("also_rent") and owned is None:
        raise InputError("--also-rent goes with --owned FILE")
    workload = job(params)
    advisor = session.advisor(owned, params.get("also_rent", False))
    with progress("Ranking hardware"):
        loaded = open_model(advisor.registry, model, options)
        return advisor.rank(loaded, workload, ranker=params.get("ranker", ""), front=params.get("front", False))


def on_option(command: Command) -> Command:
    """Add ``--on``, the system that a question is about."""
    return click.option("--on", required=True, metavar="SYSTEM",
                        help="COUNTxDEVICE such as 4xa100-80gb, a device, or a system.")(command)  # fmt: skip


def ask_of_one(
    session: Session, model: str | None, on: str, params: dict[str, Any], owned: Path | None, also_rent: bool,
    purpose: str,
) -> Candidate:  # fmt: skip
    """The best candidate on one system, feasible or not, or ``InputError``: nothing ``purpose`` (``to cost``)."""
    options = take_model_options(params)
    workload = job(params)
    advisor = session.advisor(owned, also_rent)
    with progress("Estimating"):
        ranking = advisor.estimate(open_model(advisor.registry, model, options), on, workload)
    candidate = ranking.best or next((item for item in ranking.infeasible if item.estimated), None)
    if candidate is None:
        reasons = sorted(ranking.context.left_out.items(), key=lambda item: -item[1])
        why = "; ".join(reason for reason, _ in reasons[:3]) or "no recipe fits"
        raise InputError(f"{on}: nothing {purpose}: {why}")
    return candidate


def export_text(ranking: Ranking, name: str, path: Path | None, force: bool) -> None:
    """Print or write the first candidate as an exporter writes it."""
    from advisor.plugins import guarded

    exporter = ranking.registry.exporters.get(name)
    if exporter is None:
        raise UnknownNameError("exporter", name, ranking.registry.exporters)
    if ranking.best is None:
        raise InputError(f"nothing to export with {name}: no candidate is feasible (advisor explain says why)")
    best, warnings = ranking.best, ranking.context.warn
    text = guarded(ranking.registry.owner(exporter), f"exporter {name!r}", warnings,
                   lambda: exporter.export(best, ranking.context))  # fmt: skip
    if not isinstance(text, str):
        reason = ranking.warnings[-1] if text is None and ranking.warnings else "it gave no text"
        raise PluginError(f"exporter {name} failed: {reason}")
    text = text if text.endswith("\n") else f"{text}\n"
    if path is None:
        click.echo(text, nl=False)
    else:
        output.write_file(path, text, force)
        click.echo(f"wrote {path}", err=True)
