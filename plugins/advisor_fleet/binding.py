"""What binds a plan: the same job solved without each rule, with one kind of device, and prices from duals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from advisor.errors import AdvisorError
from advisor.records import replace
from advisor_fleet.choosing import configurations
from advisor_fleet.configurations import Configurations, Parts, undominated
from advisor_fleet.deployments import HOURS_PER_MONTH, Deployments, find_deployments
from advisor_fleet.program import TOLERANCE, Solution, marginal_prices, solve

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor_fleet.plan import FleetPlan

#: Workload fields that a ranking filters by before it estimates, so that lifting one needs a new ranking.
FILTERS = ("region", "provider", "device", "kind", "vendor", "term")


@dataclass(frozen=True)
class Binding:
    """A rule, whose it is, and the objective without it; ``value`` is None where there is still no plan."""

    workload: str
    rule: str
    value: float | None
    binds: bool


@dataclass(frozen=True)
class SingleKind:
    """The best fleet of one device alone, by the objective an hour."""

    device: str
    value: float
    proved: bool


def find_single_kinds(plan: FleetPlan, everything: Configurations) -> list[SingleKind]:
    """Fleets of one device each, the best first; those that a bound shows to be worse are not solved."""
    from advisor_fleet.plan import distinct_hours, make_program, uncarried

    groups: dict[str, list[int]] = {}
    for place, offer in enumerate(everything.offer):
        groups.setdefault(plan.offers.devices[offer].id, []).append(place)
    rates, weights, _ = distinct_hours(plan.job)
    waiting = []
    for device, places in groups.items():
        chosen = everything.take(places)
        if uncarried(plan.items, chosen):
            continue
        program = make_program(plan.job, plan.items, chosen, plan.offers, rates, weights)
        whole = replace(program, divisible=np.ones(len(chosen), bool), committed=np.zeros(len(chosen), bool), least=())
        relaxed = _solved(whole, plan)
        if relaxed is not None:
            waiting.append((relaxed.bound, device, program))
    found: list[SingleKind] = []
    for bound, device, program in sorted(waiting, key=lambda item: item[:2]):
        if found and bound >= min(kind.value for kind in found):
            break
        solution = _solved(program, plan)
        if solution is not None:
            found.append(SingleKind(device, solution.value, solution.proved))
    return sorted(found, key=lambda kind: (kind.value, kind.device))


def find_binding(advisor: Advisor, plan: FleetPlan, everything: Parts, kept: Parts) -> list[Binding]:
    """Solve again without each rule that rules something out, and without each limit that has no slack."""
    answer = []
    for number, item in enumerate(plan.items):
        for rule in item.rules():
            made = configurations(plan.items, plan.offers, plan.job, (number, rule), everything)
            answer.append(_lifted(plan, number, rule, plan.items, made, kept))
        for name in FILTERS:
            if getattr(item.workload.workload, name):
                items = list(plan.items)
                items[number] = _without_filter(advisor, plan, item, name)
                made = configurations(items, plan.offers, plan.job, (number, ""), everything)
                answer.append(_lifted(plan, number, name, items, made, kept))
    answer += _limits(plan)
    return sorted(answer, key=lambda item: (not item.binds, item.value is None, item.value or 0.0))


def _lifted(
    plan: FleetPlan, number: int, rule: str, items: Sequence[Deployments], made: Parts, kept: Parts
) -> Binding:  # fmt: skip
    """Compare with the plan in which one workload's rule does not hold."""
    from advisor_fleet.plan import distinct_hours, make_program, uncarried

    name = plan.items[number].workload.name
    changed = {chosen: part for chosen, part in made.items() if number in chosen}
    parts = {**kept, **undominated(changed, plan.offers, plan.job)}
    chosen = Configurations.join(parts.values())
    if uncarried(items, chosen):
        return Binding(name, rule, None, False)
    if plan.solution is not None and chosen.same(plan.chosen):
        return Binding(name, rule, plan.solution.value, False)
    rates, weights, _ = distinct_hours(plan.job)
    solution = _solved(make_program(plan.job, items, chosen, plan.offers, rates, weights), plan)
    return _compared(plan, name, rule, solution)


def _compared(plan: FleetPlan, workload: str, rule: str, solution: Solution | None) -> Binding:
    if solution is None:
        return Binding(workload, rule, None, False)
    if plan.solution is None:
        return Binding(workload, rule, solution.value, True)
    # Within the gap both may be the same plan.
    binds = solution.value < plan.solution.value * (1 - max(plan.job.rules.gap, TOLERANCE))
    return Binding(workload, rule, min(solution.value, plan.solution.value), binds)


def _limits(plan: FleetPlan) -> list[Binding]:
    """Limits of the fleet without slack, or all where there is no plan."""
    answer = []
    for limit in plan.program.limits:
        slack = None if plan.solution is None else plan.solution.slack[limit.name]
        if plan.gaps or (slack is not None and slack > _whole_unit(limit.fixed)):
            continue
        rest = replace(plan.program, limits=[other for other in plan.program.limits if other is not limit])
        answer.append(_compared(plan, "", limit.name, _solved(rest, plan)))
    return answer


def _whole_unit(fixed: np.ndarray) -> float:
    """The largest unit that the limit counts: with less slack than that it may stand in the way."""
    return float(fixed.max(initial=0.0))


def _without_filter(advisor: Advisor, plan: FleetPlan, item: Deployments, name: str) -> Deployments:
    from advisor_fleet.configurations import uses_carbon

    workload = replace(item.workload, workload=item.workload.workload.replace(**{name: ()}))
    return find_deployments(advisor, workload, plan.offers, uses_carbon(plan.job), plan.job.rules.objective)


def _solved(program: object, plan: FleetPlan) -> Solution | None:
    try:
        return solve(program, plan.job.rules.time_limit, plan.job.rules.gap)  # type: ignore[arg-type]
    except AdvisorError:
        return None


def prices_of_requests(plan: FleetPlan) -> dict[str, float]:
    """What one more request a second, all day, adds to a month of each service by the linear relaxation."""
    found = marginal_prices(plan.program)
    if found is None:
        return {}
    from advisor_fleet.configurations import classes

    demand = plan.program.demand
    answer: dict[str, float] = {}
    for number, item in enumerate(plan.items):
        if item.workload.serves:
            columns = [place for place, (workload, _) in enumerate(classes(plan.items)) if workload == number]
            shares = demand[:, columns] / np.maximum(demand[:, columns].sum(axis=1, keepdims=True), 1e-300)
            answer[item.workload.name] = float((found[0][:, columns] * shares).sum()) * HOURS_PER_MONTH
    return answer
