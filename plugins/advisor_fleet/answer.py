"""A plan as an answer for programs: what runs where, by hour, and what binds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from advisor_fleet.configurations import Member, classes
from advisor_fleet.deployments import HOURS_PER_MONTH, describe

if TYPE_CHECKING:
    from advisor_fleet.plan import FleetPlan

FLEET_SCHEMA = {"name": "advisor.fleet", "version": 1}
GRAMS = 1000.0
#: Flow below this share of a class's requests is the solver's rounding.
LEAST_SHARE = 1e-6


def to_dict(plan: FleetPlan) -> dict[str, Any]:
    """The document that ``docs/json.md`` describes."""
    solution, rules = plan.solution, plan.job.rules
    return {
        "schema": FLEET_SCHEMA,
        "objective": rules.objective,
        "feasible": solution is not None,
        "cost_per_month": _known(plan.cost_per_month),
        "carbon_kg_per_month": _known(plan.carbon_per_month),
        "solver": None if solution is None else {
            "value": monthly(plan, solution.value), "bound": monthly(plan, solution.bound), "gap": solution.gap,
            "asked_gap": rules.gap, "time_limit": rules.time_limit, "proved": solution.proved,
        },
        "deployments": [] if solution is None else [deployment(plan, place) for place in used(plan)],
        "workloads": [workload(plan, number) for number in range(len(plan.items))],
        "single_kinds": [{"device": kind.device, "value": monthly(plan, kind.value), "proved": kind.proved}
                         for kind in plan.single_kinds],
        "saving": plan.saving,
        "binding": [{"workload": item.workload, "rule": item.rule, "binds": item.binds,
                     "value": None if item.value is None else monthly(plan, item.value)} for item in plan.binding],
        "gaps": list(plan.gaps),
        "warnings": list(plan.warnings),
    }  # fmt: skip


def monthly(plan: FleetPlan, hourly: float) -> float:
    """The objective of 730 hours: US dollars, or kilograms."""
    return hourly * HOURS_PER_MONTH / (1.0 if plan.job.rules.objective == "cost" else GRAMS)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def used(plan: FleetPlan) -> list[int]:
    """Positions of the configurations that the plan uses, the dearest first."""
    assert plan.solution is not None
    units = plan.solution.units.max(axis=0)
    mean = plan.program.weights @ plan.solution.units * plan.chosen.cost
    return sorted(np.flatnonzero(units > 1e-9).tolist(), key=lambda place: (-mean[place], place))


def deployment(plan: FleetPlan, place: int) -> dict[str, Any]:
    """One configuration: its offer, units by hour, load, and what runs on it."""
    assert plan.solution is not None
    chosen, solution = plan.chosen, plan.solution
    position = int(chosen.offer[place])
    known = plan.offers
    offer, system, device = known.offers[position], known.systems[position], known.devices[position]
    units = solution.units[:, place]
    flow = solution.flow[:, place]
    with np.errstate(divide="ignore", invalid="ignore"):
        load = np.where(chosen.capacity[place] > 0, flow / chosen.capacity[place], 0.0).sum(axis=1)
    weights = plan.program.weights
    cost = weights @ (units * chosen.cost[place] + flow @ chosen.flow_cost[place])
    carbon = weights @ (units * chosen.carbon[place] + flow @ chosen.flow_carbon[place])
    return {
        "offer": {"id": offer.id, "provider": offer.provider, "region": offer.region, "term": offer.term,
                  "price_usd_per_hour": offer.price_usd_per_hour},
        "system": system.id, "device": device.id, "device_name": device.name,
        "systems_per_unit": int(chosen.systems[place]), "devices_per_unit": int(chosen.devices[place]),
        "units_by_hour": [round(float(value), 6) for value in units[plan.hours]],
        "load": float(weights @ load / max(weights @ units, 1e-12)),
        "cost_per_month": float(cost) * HOURS_PER_MONTH,
        "carbon_kg_per_month": float(carbon) * HOURS_PER_MONTH / GRAMS,
        "runs": [_run(plan, place, member) for member in chosen.members[place]],
    }  # fmt: skip


def _run(plan: FleetPlan, place: int, member: Member) -> dict[str, Any]:
    """One workload within a deployment: its recipe, and by size the batch, the estimates and the share carried."""
    assert plan.solution is not None
    item = plan.items[member.workload]
    columns = [column for column, (number, _) in enumerate(classes(plan.items)) if number == member.workload]
    weights, demand = plan.program.weights, plan.program.demand
    recipe: dict[str, str] = {}
    sizes = []
    for size, (column, row) in enumerate(zip(columns, member.rows, strict=True)):
        if row < 0:
            continue
        found = describe(item.rows[size].ranking, row)
        recipe = recipe or found["recipe"]
        share = weights @ plan.solution.flow[:, place, column] / max(weights @ demand[:, column], 1e-300)
        of = item.workload.sizes[size]
        sizes.append({
            "input_tokens": of.input_tokens, "output_tokens": of.output_tokens, "share": float(share),
            "capacity": float(plan.chosen.capacity[place, column]), "layout": found["layout"],
            "estimates": found["estimates"],
        })  # fmt: skip
    return {"workload": item.workload.name, "recipe": recipe, "sizes": sizes}


def workload(plan: FleetPlan, number: int) -> dict[str, Any]:
    """One workload: its traffic, and the share of its requests that each deployment carries."""
    item = plan.items[number]
    columns = [column for column, (of, _) in enumerate(classes(plan.items)) if of == number]
    shares: dict[str, float] = {}
    if plan.solution is not None:
        weights = plan.program.weights
        whole = float(weights @ plan.program.demand[:, columns].sum(axis=1))
        for place in used(plan):
            part = float(weights @ plan.solution.flow[:, place][:, columns].sum(axis=1)) / whole
            if part > LEAST_SHARE:
                offer = plan.offers.offers[int(plan.chosen.offer[place])].id
                shares[offer] = shares.get(offer, 0.0) + part
    traffic = item.workload
    return {
        "name": traffic.name, "model": item.model.name, "task": traffic.workload.task,
        "requests_per_s": float(np.mean(traffic.rates)), "peak_requests_per_s": float(max(traffic.rates)),
        "carried_by": shares, "price_of_one_request_per_s": plan.prices.get(traffic.name),
    }  # fmt: skip
