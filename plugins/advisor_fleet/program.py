"""The fleet as a mixed-integer linear program, solved by HiGHS through ``scipy.optimize.milp``.

After Griggs et al., Mélange (arXiv 2404.14527, section 5.4.3): kinds of deployment are bins with a
price, requests of a size are items with a load of rate / capacity. Here a deployment may serve several
models, hours of the day have their own traffic, and limits couple them. Where ``slices`` is None
requests of a size divide freely, as a load balancer does; Mélange cuts them into slices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from advisor.errors import AdvisorError, InputError
from advisor.records import replace
from advisor_fleet.matrix import Array, Rows
from advisor_fleet.quiet import without_solver_output

#: What HiGHS may leave of a constraint, relative to it.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Limit:
    """An upper bound on a sum over deployments.

    ``fixed`` (J,) counts each unit, ``flow`` (J, B) each request a second. It holds in every hour, or
    on the average of the day where ``mean`` is set.
    """

    name: str
    bound: float
    fixed: Array
    flow: Array | None = None
    mean: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Program:
    """J kinds of deployment, B classes of requests, H hours.

    ``fixed`` (J,) is the price of a unit for an hour; ``flow`` (J, B) what each request a second adds
    to it; ``capacity`` (J, B) requests a second of one unit if it does nothing else, 0 where it cannot;
    ``demand`` (H, B) requests a second; ``weights`` (H,) shares of the day. ``committed`` kinds are paid
    for in every hour, ``divisible`` ones by the part of an hour. ``least`` are (name, kinds, units):
    units that must be there at all hours.
    """

    fixed: Array
    capacity: Array
    demand: Array
    weights: Array
    flow: Array | None = None
    committed: Array | None = None
    divisible: Array | None = None
    limits: Sequence[Limit] = ()
    least: Sequence[tuple[str, Array, float]] = ()
    slices: int | None = None


@dataclass(frozen=True)
class Solution:
    """The answer: ``units`` (H, J), ``flow`` (H, J, B) requests a second, and how sure the solver is of it.

    ``bound`` is what no plan can go below; ``gap`` is (value - bound) / value. ``proved`` says that the
    gap asked for was reached, else the time was up.
    """

    value: float
    bound: float
    gap: float
    proved: bool
    units: Array
    flow: Array
    slack: Mapping[str, float] = field(default_factory=dict)


def solver() -> Any:
    """``scipy.optimize``, or one line that says how to get it."""
    try:
        from scipy import optimize
    except ImportError:
        raise InputError("advisor fleet needs scipy for its solver: pip install 'hardware-advisor[fleet]'") from None
    return optimize


def solve(program: Program, time_limit: float = 30.0, gap: float = 1e-3) -> Solution | None:
    """Solve; None where no plan keeps to every limit. Raises ``AdvisorError`` where time was up without a plan.

    Hours that nothing links are solved one by one, each with its part of the time.
    """
    kept = program.committed is not None and program.committed.any()
    hours = len(program.weights)
    if kept or hours == 1 or any(limit.mean for limit in program.limits):
        return _solve(program, time_limit, gap)
    answers = []
    for hour in range(hours):
        part = replace(program, demand=program.demand[hour : hour + 1], weights=program.weights[hour : hour + 1])
        found = _solve(part, time_limit / hours, gap)
        if found is None:
            return None
        answers.append(found)
    value, bound = (sum(getattr(found, name) for found in answers) for name in ("value", "bound"))
    units, flow = (np.concatenate([getattr(found, name) for found in answers]) for name in ("units", "flow"))
    slack = {limit.name: min(found.slack[limit.name] for found in answers) for limit in program.limits}
    return Solution(value, bound, max(0.0, 1 - bound / value) if value > 0 else 0.0,
                    all(found.proved for found in answers), units, flow, slack)  # fmt: skip


def _solve(program: Program, time_limit: float, gap: float) -> Solution | None:
    optimize = solver()
    rows = Rows(program)
    options = {"time_limit": time_limit, "mip_rel_gap": gap}
    with without_solver_output():
        found = optimize.milp(rows.price, integrality=rows.integrality, bounds=optimize.Bounds(0, rows.most),
                              constraints=optimize.LinearConstraint(*rows.matrix()), options=options)  # fmt: skip
    if found.x is None:
        if found.status == 1:
            raise AdvisorError(f"no plan was found within {time_limit:g} s; give a longer time_limit")
        return None
    units, flow = rows.split(np.maximum(found.x, 0.0))
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else found.fun
    reached = max(0.0, (found.fun - bound) / found.fun) if found.fun > 0 else 0.0
    slack = {limit.name: limit.bound - _used(limit, program, units, flow) for limit in program.limits}
    return Solution(float(found.fun), float(min(bound, found.fun)), float(reached), found.status == 0, units, flow,
                    slack)  # fmt: skip


def marginal_prices(program: Program) -> tuple[Array, dict[str, float]] | None:
    """Return what one more request a second costs by hour and class (H, B), and what a limit's last unit saves.

    Duals of the linear relaxation, in which units divide; an average over many, not the next step.
    """
    optimize = solver()
    rows = Rows(program)
    matrix, low, high = rows.matrix()
    equal = low == high
    upper, lower = ~equal & np.isfinite(high), ~equal & np.isfinite(low)
    from scipy.sparse import vstack

    with without_solver_output():
        found = optimize.linprog(
            rows.price, A_ub=vstack([matrix[upper], -matrix[lower]]), b_ub=np.concatenate([high[upper], -low[lower]]),
            A_eq=matrix[equal], b_eq=high[equal], bounds=np.column_stack([np.zeros(len(rows.most)), rows.most]),
            method="highs",
        )  # fmt: skip
    if found.x is None:
        return None
    demand = np.zeros(program.demand.shape)
    demand[rows.hour, rows.bucket] = found.eqlin.marginals / program.demand[rows.hour, rows.bucket]
    prices: dict[str, float] = {}
    place = {row: number for number, row in enumerate(np.flatnonzero(upper))}
    for name, numbers in rows.limit_rows.items():
        prices[name] = float(-sum(found.ineqlin.marginals[place[number]] for number in numbers))
    return demand, prices


def _used(limit: Limit, program: Program, units: Array, flow: Array) -> float:
    used = units @ limit.fixed
    if limit.flow is not None:
        used = used + np.einsum("hjb,jb->h", flow, limit.flow)
    return float(used @ program.weights if limit.mean else used.max())
