"""Serving at a rate of requests: units that keep within the service levels, and latencies at the load of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import ESTIMATES
from advisor.context import Context
from advisor.errors import PluginError
from advisor.interfaces import Backend
from advisor.plugins import guarded
from advisor.soundness import NOT_OF_BACKENDS, check_interval, check_kept, protected

#: Share of a unit's capacity that serving is planned for at most: a common provisioning headroom.
MOST_LOAD = 0.8
#: The least share that more units are taken for.
LEAST_LOAD = 0.05
#: What depends on how much of a unit's capacity the traffic uses.
LATENCIES = ("time_to_first_token", "time_per_output_token", "request_latency")
INTERVALS = tuple(f"{name}{end}" for name in LATENCIES for end in ("", ".low", ".high"))
#: Estimates that are settled when the traffic is shared out.
SETTLED = frozenset(
    f"{column.name}{end}" for column in ESTIMATES if column.name not in LATENCIES for end in ("", ".low", ".high")
)


def carry(backend: Backend, rows: Candidates, context: Context, owner: str) -> bool:
    """Set ``units``, ``load`` and the latencies of rows that share ``request_rate``; False if the backend failed.

    A unit takes 80 % of its capacity at most, and less where a service level asks for it. Where no load keeps
    within the levels, units take 5 %: the latencies are then about the least that the hardware can do.
    """
    rate = context.workload.request_rate
    if rate is None:
        return True
    fewest = fewest_units(rows, rate)
    if not knows_load(backend):
        return True
    share = context.workload.percentile / 100
    if not at_load(backend, rows, context, owner, share):
        return False
    late = np.flatnonzero(_late(rows, service_levels(context)))
    if not len(late):
        return True
    part = rows.take(late)
    bearable = bearable_load(backend, part, context, owner)
    if bearable is None:
        return False
    units = np.ceil(rate / (np.maximum(bearable, LEAST_LOAD) * part["samples_per_s"]) - 1e-9)
    helped = units > fewest[late]
    if not helped.any():
        return True
    late, part = late[helped], part.take(helped)
    _share(part, units[helped], rate)
    if not at_load(backend, part, context, owner, share):
        return False
    rows.scatter(late, part, ("units", "load", *(name for name in INTERVALS if name in rows)))
    return True


def knows_load(backend: Backend) -> bool:
    """Whether a backend has latencies at a load."""
    return type(backend).at_load is not Backend.at_load


def fewest_units(rows: Candidates, rate: float) -> Array:
    """Set, and return, the units that carry ``rate`` at 80 % of their capacity, and their load."""
    units = np.maximum(np.ceil(rate / (MOST_LOAD * rows["samples_per_s"]) - 1e-9), 1)
    _share(rows, units, rate)
    return units


def _share(rows: Candidates, units: Array, rate: float) -> None:
    rows["units"] = units
    rows["load"] = np.minimum(rate / (units * rows["samples_per_s"]), 1.0)


def at_load(backend: Backend, rows: Candidates, context: Context, owner: str, share: float) -> bool:
    """Let a backend replace the latencies by those at ``load`` that ``share`` of the requests stay below."""

    def call() -> bool:
        given = {name: rows[name] for name in rows.names if name in SETTLED} | protected(rows, NOT_OF_BACKENDS)
        backend.at_load(rows, context, share)
        check_kept(rows, given, NOT_OF_BACKENDS)
        for name in LATENCIES:
            if name in rows:
                check_interval(rows, name, strictly=True)
        for name in SETTLED:
            if name in rows and rows[name] is not given.get(name):
                raise PluginError(f"at_load() sets {name!r}; it may set latencies")
        return True

    return guarded(owner, f"backend {backend.name!r}", context.warn, call, input_errors=False) or False


def bearable_load(backend: Backend, rows: Candidates, context: Context, owner: str) -> Array | None:
    """The largest load, at most 80 %, at which each row keeps within the service levels; 0 where none does.

    None if the backend failed.
    """
    bounds, share = service_levels(context), context.workload.percentile / 100

    def call() -> Array:
        found = backend.bearable_load(rows.copy(), context, share, bounds) if bounds else None
        load = np.asarray(MOST_LOAD if found is None else found, dtype=float)
        if (load.ndim and load.shape != (len(rows),)) or not np.isfinite(load).all() or (load < 0).any():
            raise PluginError("bearable_load: expected a finite number from zero on for each row")
        return np.broadcast_to(np.minimum(load, MOST_LOAD), (len(rows),))

    return guarded(owner, f"backend {backend.name!r}", context.warn, call, input_errors=False)


def service_levels(context: Context) -> dict[str, float]:
    """The bounds on latencies that the workload gives, by column."""
    workload = context.workload
    fields = {column.name: column.limited_by for column in ESTIMATES if column.name in LATENCIES}
    given: Mapping[str, float | None] = {name: getattr(workload, field) for name, field in fields.items()}
    bounds = {name: float(bound) for name, bound in given.items() if bound is not None}
    return bounds | {name: float(bound) for name, bound in workload.limits.items() if name in LATENCIES}


def _late(rows: Candidates, bounds: Mapping[str, float]) -> Array:
    """Rows of which a latency is beyond its bound."""
    answer = np.zeros(len(rows), dtype=bool)
    for name, bound in bounds.items():
        if name in rows:
            answer |= rows[name] > bound
    return answer
