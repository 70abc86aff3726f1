"""From a job to a plan: deployments, configurations, the program, its answer and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor_fleet.choosing import configurations
from advisor_fleet.configurations import Configurations, classes, is_committed, undominated, uses_carbon
from advisor_fleet.deployments import HOURS_PER_MONTH, Deployments, OfferList, find_deployments
from advisor_fleet.job import HOURS, FleetJob
from advisor_fleet.program import Array, Limit, Program, Solution, solve

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor_fleet.binding import Binding, SingleKind

GRAMS = 1000.0


@dataclass
class FleetPlan:
    """The mix of systems, or why there is none.

    ``solution`` is None where no plan keeps to every limit; ``gaps`` then name workloads and sizes that
    nothing carries. ``hours`` maps each of the 24 hours to a column of the solution.
    """

    job: FleetJob
    items: Sequence[Deployments]
    offers: OfferList
    chosen: Configurations
    program: Program
    solution: Solution | None
    hours: Array
    gaps: Sequence[str] = ()
    single_kinds: Sequence[SingleKind] = ()
    binding: Sequence[Binding] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def cost_per_month(self) -> float:
        """US dollars for 730 hours."""
        return self._monthly(self.chosen.cost, self.chosen.flow_cost)

    @property
    def carbon_per_month(self) -> float:
        """Kilograms of CO2 equivalents of 730 hours."""
        return self._monthly(self.chosen.carbon, self.chosen.flow_carbon) / GRAMS

    @property
    def saving(self) -> float | None:
        """Share that the plan saves over the best fleet of one kind of device; None without one."""
        if self.solution is None or not self.single_kinds:
            return None
        return 1 - self.solution.value / self.single_kinds[0].value

    def _monthly(self, fixed: Array, flow: Array) -> float:
        if self.solution is None:
            return float("nan")
        hourly = self.solution.units @ fixed + np.einsum("hjb,jb->h", self.solution.flow, flow)
        return float(hourly @ self.program.weights) * HOURS_PER_MONTH

    def to_dict(self) -> dict[str, Any]:
        """For JSON, as ``docs/json.md`` describes."""
        from advisor_fleet.answer import to_dict

        return to_dict(self)


def plan_fleet(advisor: Advisor, job: FleetJob, what_if: bool = True) -> FleetPlan:
    """Find the mix of least cost or carbon; ``what_if`` solves again without each rule, to say what it costs.

    Raises ``InputError`` for what the job has wrong, or where the solver is not installed.
    """
    from advisor_fleet.program import solver

    solver()
    offers = OfferList()
    items = [find_deployments(advisor, workload, offers, uses_carbon(job), job.rules.objective)
             for workload in job.workloads]  # fmt: skip
    return plan_deployments(advisor, job, items, offers, what_if)


def plan_deployments(
    advisor: Advisor, job: FleetJob, items: Sequence[Deployments], offers: OfferList, what_if: bool = True
) -> FleetPlan:
    """Plan with deployments that were found before: for other traffic, no model is ranked again."""
    from advisor_fleet.binding import find_binding, find_single_kinds, prices_of_requests

    everything = configurations(items, offers, job)
    kept = undominated(everything, offers, job)
    chosen = Configurations.join(kept.values())
    rates, weights, hours = distinct_hours(job)
    program = make_program(job, items, chosen, offers, rates, weights)
    warnings = list(dict.fromkeys(line for item in items for rows in item.rows for line in rows.ranking.warnings))
    gaps = uncarried(items, chosen)
    solution = None if gaps else solve(program, job.rules.time_limit, job.rules.gap)
    plan = FleetPlan(job, items, offers, chosen, program, solution, hours, gaps, warnings=warnings)
    if solution is not None:
        plan.single_kinds = find_single_kinds(plan, Configurations.join(everything.values()))
        plan.prices = prices_of_requests(plan)
    if what_if:
        plan.binding = find_binding(advisor, plan, everything, kept)
    return plan


def distinct_hours(job: FleetJob) -> tuple[Array, Array, Array]:
    """Rates (H, workloads) of the different hours, their shares of the day, and which each of the 24 is."""
    table = np.array([workload.rates for workload in job.workloads]).T
    if job.rules.scaling == "none":  # what is there at the peak is there all day
        table = np.tile(table.max(axis=0), (HOURS, 1))
    rates, hours = np.unique(table, axis=0, return_inverse=True)
    hours = np.asarray(hours).ravel()
    return rates, np.bincount(hours, minlength=len(rates)) / HOURS, hours


def make_program(
    job: FleetJob, items: Sequence[Deployments], chosen: Configurations, offers: OfferList, rates: Array, weights: Array
) -> Program:
    """The program over these configurations."""
    shares = [share for item in items for share in item.workload.shares]
    of = np.array([number for number, _ in classes(items)])
    demand = rates[:, of] * np.array(shares)
    terms = [offers.offers[offer] for offer in chosen.offer]
    serves = np.array([all(items[member.workload].workload.serves for member in members)
                       for members in chosen.members], bool)  # fmt: skip
    committed = np.array([is_committed(offer) for offer in terms], bool) & serves
    if job.rules.scaling == "none":
        committed = serves
    by_cost = job.rules.objective == "cost"
    return Program(
        fixed=chosen.cost if by_cost else chosen.carbon, flow=chosen.flow_cost if by_cost else chosen.flow_carbon,
        capacity=chosen.capacity, demand=demand, weights=weights, committed=committed, divisible=~serves,
        limits=_limits(job, chosen, offers), least=_least(items, chosen),
    )  # fmt: skip


def _least(items: Sequence[Deployments], chosen: Configurations) -> list[tuple[str, Array, float]]:
    answer = []
    for number, item in enumerate(items):
        if item.workload.serves:
            able = np.array([any(member.workload == number for member in members) for members in chosen.members], bool)
            answer.append((item.workload.name, able, float(item.workload.traffic.min_replicas)))
    return answer


def _limits(job: FleetJob, chosen: Configurations, offers: OfferList) -> list[Limit]:
    rules = job.rules
    answer = []
    if rules.budget is not None:
        answer.append(Limit("budget", rules.budget / HOURS_PER_MONTH, chosen.cost, chosen.flow_cost, mean=True))
    if rules.carbon_budget_kg is not None:
        answer.append(Limit("carbon_budget_kg", rules.carbon_budget_kg * GRAMS / HOURS_PER_MONTH, chosen.carbon,
                            chosen.flow_carbon, mean=True))  # fmt: skip
    if rules.max_devices is not None:
        answer.append(Limit("max_devices", float(rules.max_devices), chosen.devices.astype(float)))
    for position in np.unique(chosen.offer):
        offer = offers.offers[position]
        if offer.max_systems is not None:
            used = np.where(chosen.offer == position, chosen.systems, 0).astype(float)
            answer.append(Limit(f"offer {offer.id}: max_systems", float(offer.max_systems), used))
    return answer


def uncarried(items: Sequence[Deployments], chosen: Configurations) -> list[str]:
    """Workloads and sizes that no configuration can carry, one sentence each."""
    carried = (chosen.capacity > 0).any(axis=0) if len(chosen) else np.zeros(len(classes(items)), bool)
    answer = []
    for (number, size), able in zip(classes(items), carried, strict=True):
        if not able:
            item = items[number]
            counts = {name: int(mask.sum()) for name, mask in item.rows[size].broken.items() if mask.any()}
            why = "; ".join(f"{name} rules out {count:,}" for name, count in counts.items())
            of = item.workload.sizes[size]
            tokens = f" ({of.input_tokens} in, {of.output_tokens} out)" if item.workload.traffic.sizes else ""
            total = len(item.rows[size].rate)
            answer.append(f"{item.workload.name}{tokens}: none of {total:,} candidates carries it"
                          f"{': ' + why if why else ''}")  # fmt: skip
    return answer

