"""Every configuration worth a thought: each workload alone on an offer's systems, and services that share one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from advisor_fleet.configurations import Configurations, Member, Parts, by_device, made, priced
from advisor_fleet.deployments import Deployments, OfferList
from advisor_fleet.job import FleetJob
from advisor_fleet.program import Array
from advisor_fleet.sharing import Option, best_by_memory, shared


def configurations(
    items: Sequence[Deployments], offers: OfferList, job: FleetJob, lifted: tuple[int, str] = (-1, ""),
    known: Parts | None = None,
) -> Parts:  # fmt: skip
    """Every configuration that no other of the same device beats, by the workloads in it.

    ``lifted`` is a workload's rule to ignore; with ``known`` only what has that workload in it is made again.
    """
    starts = np.cumsum([0, *(len(item.rows) for item in items)])
    able = [number for number, item in enumerate(items) if item.workload.serves and item.workload.traffic.share]
    sets = [(number,) for number in range(len(items))]
    for models in range(2, min(job.rules.sharing, len(able)) + 1):
        sets += list(combinations(able, models))
    parts: Parts = {}
    memory: dict[tuple[int, int], dict[int, list[Option]]] = {}
    for chosen in sets:
        if known is not None and lifted[0] not in chosen:
            parts[chosen] = known[chosen]
        elif len(chosen) == 1:
            parts[chosen] = _alone(items, chosen[0], offers, job, starts, lifted)
        else:
            for number in chosen:
                if (number, len(chosen)) not in memory:
                    rule = lifted[1] if lifted[0] == number else ""
                    memory[number, len(chosen)] = best_by_memory(items[number], len(chosen), job, rule)
            best = {number: memory[number, len(chosen)] for number in chosen}
            parts[chosen] = shared(items, chosen, best, offers, job, starts)
    return parts


def _alone(
    items: Sequence[Deployments], number: int, offers: OfferList, job: FleetJob, starts: Array, lifted: tuple[int, str]
) -> Configurations:
    item = items[number]
    rate, row = item.capacity(without=lifted[1] if lifted[0] == number else "")
    places = np.flatnonzero((rate > 0).any(axis=1) & priced(item, job))
    members = [(Member(number, int(place), tuple(row[place].tolist())),) for place in places]
    found = made(items, members, job, starts, [(number, places, rate[places])])
    return by_device(found, offers, job)
