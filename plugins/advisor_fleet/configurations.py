"""Kinds of deployment that a fleet may be made of, as arrays, and which of them no other beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from advisor_fleet.deployments import Deployments, OfferList
from advisor_fleet.job import FleetJob
from advisor_fleet.program import Array


@dataclass(frozen=True)
class Member:
    """A workload within a configuration: its deployment, and the row for each size of request (-1: cannot)."""

    workload: int
    deployment: int
    rows: tuple[int, ...]


@dataclass
class Configurations:
    """J configurations as arrays; ``capacity``, ``flow_cost`` and ``flow_carbon`` are (J, B) over request classes."""

    members: list[tuple[Member, ...]]
    offer: Array
    systems: Array
    devices: Array
    cost: Array
    carbon: Array
    capacity: Array
    flow_cost: Array
    flow_carbon: Array

    def __len__(self) -> int:
        return len(self.members)

    def take(self, places: Sequence[int] | Array) -> Configurations:
        """Some of them."""
        index = np.asarray(places, dtype=int)
        return Configurations([self.members[place] for place in index], *(array[index] for array in self._arrays()))

    def same(self, other: Configurations) -> bool:
        """Whether both would make the same program."""
        return len(self) == len(other) and all(
            np.array_equal(mine, theirs) for mine, theirs in zip(self._arrays(), other._arrays(), strict=True)
        )

    def _arrays(self) -> tuple[Array, ...]:
        return (self.offer, self.systems, self.devices, self.cost, self.carbon, self.capacity, self.flow_cost,
                self.flow_carbon)  # fmt: skip

    @staticmethod
    def join(parts: Iterable[Configurations]) -> Configurations:
        """All of several."""
        parts = list(parts)
        arrays = [np.concatenate(group) for group in zip(*(part._arrays() for part in parts), strict=True)]
        return Configurations([members for part in parts for members in part.members], *arrays)


def classes(items: Sequence[Deployments]) -> list[tuple[int, int]]:
    """(workload, size) of each class of requests, in order."""
    return [(number, size) for number, item in enumerate(items) for size in range(len(item.rows))]


#: Workloads of a configuration to all configurations of them.
Parts = dict[tuple[int, ...], Configurations]


def undominated(parts: Parts, offers: OfferList, job: FleetJob) -> Parts:
    """Leave out what another configuration of the same workloads beats in price and in every capacity."""
    return {chosen: found.take(sorted(_prune(found, range(len(found)), offers, job)))
            for chosen, found in parts.items()}  # fmt: skip


def _prune(found: Configurations, places: Sequence[int], offers: OfferList, job: FleetJob) -> list[int]:
    """Positions that no other one beats; it must be no scarcer, and no longer committed to."""
    index = np.asarray(places, dtype=int)
    rules = job.rules
    worse = [found.cost[index, None], found.flow_cost[index]] if uses_cost(job) else []
    if uses_carbon(job):
        worse += [found.carbon[index, None], found.flow_carbon[index]]
    if rules.max_devices is not None:
        worse.append(found.devices[index, None])
    low = np.hstack([*worse, -found.capacity[index]])
    low = np.where(np.isnan(low), np.inf, low)
    scarce = np.array([offers.offers[offer].max_systems is not None for offer in found.offer[index]], bool)
    committed = np.array([is_committed(offers.offers[offer]) for offer in found.offer[index]], bool)
    order = np.lexsort((index, low.sum(axis=1), low[:, 0]))
    low, scarce, committed, offer = low[order], scarce[order], committed[order], found.offer[index][order]
    kept: list[int] = []
    for row in range(len(order)):
        beats = np.asarray(kept, dtype=int)
        beats = beats[(~scarce[beats] | (offer[beats] == offer[row])) & (~committed[beats] | committed[row])]
        if not (low[beats] <= low[row] * (1 + 1e-12 * np.sign(low[row]))).all(axis=1).any():
            kept.append(row)
    return [int(index[order[row]]) for row in kept]


def by_device(found: Configurations, offers: OfferList, job: FleetJob) -> Configurations:
    """Of each device, what no other configuration on that device beats."""
    groups: dict[str, list[int]] = {}
    for place, offer in enumerate(found.offer):
        groups.setdefault(offers.devices[offer].id, []).append(place)
    return found.take(sorted(place for places in groups.values() for place in _prune(found, places, offers, job)))


def made(
    items: Sequence[Deployments], members: list[tuple[Member, ...]], job: FleetJob, starts: Array,
    rates: Sequence[tuple[int, Array, Array]],
) -> Configurations:  # fmt: skip
    """Configurations from the deployments (J,) and rates (J, sizes) of each member."""
    count, width = len(members), int(starts[-1])
    capacity, flow_cost, flow_carbon = (np.zeros((count, width)) for _ in range(3))
    for number, places, rate in rates:
        item, span = items[number], slice(starts[number], starts[number + 1])
        usable = rate * (job.rules.max_load if item.workload.serves else 1.0)
        capacity[:, span] = usable
        with np.errstate(divide="ignore", invalid="ignore"):
            cost, carbon = item.busy_cost - item.cost, item.busy_carbon - item.carbon
            for flows, busier in ((flow_cost, cost), (flow_carbon, carbon)):
                added = busier[places][:, None] / rate
                flows[:, span] = np.where((rate > 0) & np.isfinite(added), np.maximum(added, 0.0), 0.0)
    number, places, _ = rates[0]
    item = items[number]
    return Configurations(
        members, item.offer[places], item.systems[places], item.devices[places], item.cost[places],
        np.nan_to_num(item.carbon[places]), capacity, flow_cost, flow_carbon,
    )  # fmt: skip


def priced(item: Deployments, job: FleetJob) -> Array:
    """Mask of the deployments whose price and carbon are known as far as the job asks for them."""
    known = item.offer >= 0
    if uses_cost(job):
        known = known & np.isfinite(item.cost)
    return known & np.isfinite(item.carbon) if uses_carbon(job) else known


def uses_cost(job: FleetJob) -> bool:
    """Whether money decides or is limited."""
    return job.rules.objective == "cost" or job.rules.budget is not None


def uses_carbon(job: FleetJob) -> bool:
    """Whether carbon decides or is limited."""
    return job.rules.objective == "carbon" or job.rules.carbon_budget_kg is not None


def is_committed(offer: object) -> bool:
    """Whether an offer is paid for in every hour, used or not."""
    term = getattr(offer, "term", "")
    return term.startswith("reserved") or term == "owned" or getattr(offer, "purchase_usd", None) is not None
