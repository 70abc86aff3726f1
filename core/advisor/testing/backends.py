"""Checks of backends: what they owe, that rows are independent, and that better hardware never hurts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import MEMORY_PARTS, TIME_PARTS
from advisor.context import Context
from advisor.devices import Device
from advisor.estimating import needed_estimates
from advisor.interfaces import Backend
from advisor.soundness import NOT_OF_BACKENDS, check_from_zero, check_interval, check_kept, protected
from advisor.testing.requirement import Check, ConformanceError, require, require_same, snapshot
from advisor.testing.samples import context_of, questions, sample_device, sample_systems
from advisor.testing.tables import backend_rows, halves
from advisor.traffic import LATENCIES, knows_load

#: Figures of a device that are doubled, and what must not get worse by it. Slack is for rounding and tiles.
IMPROVEMENTS = ("memory_gib", "memory_bandwidth_gb_per_s", "peak_tflops")
TIMES = ("step_time", "request_latency", "time_to_first_token", "time_per_output_token")
SLACK = 1e-6
#: Percentiles of a mixture are found by bisection, to about a percent.
LOAD_SLACK = 0.03


def backend_checks(backend: Backend, devices: Sequence[Device]) -> Iterator[Check]:
    """Checks of one backend on its own devices, or on made-up ones where its plugin brings none."""
    own = [device for device in devices if device.backend_name == backend.name][:8]
    own = own or [sample_device(kind=backend.name)]
    for question in questions():
        yield Check(f"backend {backend.name}: sets what it owes: {question}",
                    lambda q=question: _sets_what_it_owes(backend, own, q))  # type: ignore[misc]  # fmt: skip
        yield Check(f"backend {backend.name}: rows do not depend on each other: {question}",
                    lambda q=question: _rows_are_independent(backend, own, q))  # type: ignore[misc]  # fmt: skip
        yield Check(f"backend {backend.name}: latencies grow with the load: {question}",
                    lambda q=question: _latencies_grow(backend, own, q))  # type: ignore[misc]  # fmt: skip
        yield Check(f"backend {backend.name}: better hardware is not slower: {question}",
                    lambda q=question: _better_is_not_worse(backend, own[0], q))  # type: ignore[misc]  # fmt: skip


def _latencies_grow(backend: Backend, devices: Sequence[Device], question: str) -> None:
    """Under a request rate: latencies grow with the load and with the share of requests, and rows stay apart."""
    model, workload = questions()[question]
    if workload.request_rate is None or not knows_load(backend):
        return
    context = context_of(model, workload, devices)
    rows = _filled(backend, backend_rows(context, backend.columns), context)

    def met(table: Candidates, load: float, share: float) -> dict[str, Array]:
        table = table.copy()
        table["load"] = load
        with np.errstate(all="ignore"):
            backend.at_load(table, context, share)
        names = [name for name in LATENCIES if name in table]
        for name in names:
            check_interval(table, name, strictly=True)
        return {name: table[name] for name in names}

    usual = met(rows, 0.5, 0.95)
    for load, share, what in ((0.7, 0.95, "a higher load"), (0.5, 0.99, "a higher share of the requests")):
        for name, seconds in met(rows, load, share).items():
            require(not (seconds < usual[name] * (1 - LOAD_SLACK)).any(), f"{name!r} falls with {what}")
    for positions in halves(rows):
        part = met(rows.take(positions), 0.5, 0.95)
        require_same({name: seconds[positions] for name, seconds in usual.items()}, part, "some of the rows alone",
                     exact=False)  # fmt: skip


def _filled(backend: Backend, rows: Candidates, context: Context) -> Candidates:
    """Let the backend fill the rows, those that do not fit as well."""
    with np.errstate(all="ignore"):
        backend.memory(rows, context)
        backend.estimate(rows, context)
    return rows


def _sets_what_it_owes(backend: Backend, devices: Sequence[Device], question: str) -> None:
    model, workload = questions()[question]
    context = context_of(model, workload, devices)
    rows = backend_rows(context, backend.columns)
    given = protected(rows, NOT_OF_BACKENDS)
    with np.errstate(all="ignore"):
        require(backend.memory(rows, context) is None, "memory() returns something; it is to set columns")
        check_interval(rows, "memory", strictly=True)
        check_from_zero(rows, [column.name for column in MEMORY_PARTS], strictly=False)
        memory = rows["memory"]
        backend.estimate(rows, context)
    check_kept(rows, given, NOT_OF_BACKENDS)
    for name in needed_estimates(context):
        check_interval(rows, name, strictly=name != "power")
    check_from_zero(rows, [column.name for column in TIME_PARTS], strictly=False)
    check_from_zero(rows, ["flops_per_sample"], strictly=True)
    require(np.array_equal(rows["memory"], memory), "estimate() changes memory, which has been judged by then")
    _sums(rows, "memory", [column.name for column in MEMORY_PARTS])
    _sums(rows, "step_time", [column.name for column in TIME_PARTS])


def _sums(rows: Candidates, whole: str, parts: list[str]) -> None:
    total = sum(rows[name] for name in parts)
    wrong = ~np.isclose(total, rows[whole], rtol=1e-3)
    require(not wrong.any(), f"the parts of {whole!r} do not add up to it in {int(wrong.sum())} of {len(rows)} rows")


def _rows_are_independent(backend: Backend, devices: Sequence[Device], question: str) -> None:
    model, workload = questions()[question]
    context = context_of(model, workload, devices)
    rows = backend_rows(context, backend.columns)
    whole = snapshot(_filled(backend, rows.copy(), context))
    again = snapshot(_filled(backend, rows.copy(), context))
    require_same(whole, again, "the same rows a second time")
    for positions in (*halves(rows), np.array([0])):
        part = _filled(backend, rows.take(positions), context)
        require_same({name: array[positions] for name, array in whole.items()}, snapshot(part),
                     "some of the rows alone", exact=False)  # fmt: skip


def _better_is_not_worse(backend: Backend, device: Device, question: str) -> None:
    """Double one figure at a time: memory needed must not grow by it, nor any time."""
    model, workload = questions()[question]
    better = [device.replace(id=f"{device.id}+{figure}", **{figure: _doubled(getattr(device, figure))})
              for figure in IMPROVEMENTS]  # fmt: skip
    devices = [device, *better]
    context = context_of(model, workload, devices, sample_systems(devices, (1, 4)))
    rows = _filled(backend, backend_rows(context, backend.columns), context)
    base = rows.take(rows["device"] == 0)
    for position, figure in enumerate(IMPROVEMENTS, start=1):
        other = rows.take(rows["device"] == position)
        usable = device.memory_gib * (2 if figure == "memory_gib" else 1) * 2.0**30
        lost = (base["memory"] <= device.memory_gib * 2.0**30) & (other["memory"] > usable)
        if lost.any():
            raise ConformanceError(f"with twice the {figure}, {int(lost.sum())} rows no longer fit in memory")
        for name in TIMES:
            if name in rows:
                slower = other[name] > base[name] * (1 + SLACK)
                require(not slower.any(), f"with twice the {figure}, {name!r} rises in {int(slower.sum())} rows")


def _doubled(figure: float | dict[str, float]) -> float | dict[str, float]:
    return {name: 2 * rate for name, rate in figure.items()} if isinstance(figure, dict) else 2 * figure
