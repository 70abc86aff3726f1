"""Services that take turns on one system: which fit its memory together, and at what rate each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from advisor_fleet.configurations import (
    Configurations,
    Member,
    by_device,
    is_committed,
    made,
    priced,
    uses_carbon,
    uses_cost,
)
from advisor_fleet.deployments import Deployments, OfferList
from advisor_fleet.job import FleetJob
from advisor_fleet.program import Array

#: What a model may take of a shared device's memory is tried in so many steps.
MEMORY_PARTS = 16
#: Share of a device's memory that can be used, as a ranking has it.
USABLE_MEMORY = 0.95


@dataclass(frozen=True)
class Option:
    """A way to run a service among others on one system: the share of memory it takes, and its rate for each size."""

    memory: float
    deployment: int
    rate: Array
    rows: tuple[int, ...]


def shared(
    items: Sequence[Deployments], chosen: tuple[int, ...], best: dict[int, dict[int, list[Option]]],
    offers: OfferList, job: FleetJob, starts: Array,
) -> Configurations:  # fmt: skip
    """Configurations of the chosen services, which take turns on one system whose memory holds them all."""
    common = set.intersection(*(set(best[number]) for number in chosen))
    members, picked = [], []
    for offer in _cheapest(common, items[chosen[0]], offers, job):
        for options in product(*(best[number][offer] for number in chosen)):
            if sum(option.memory for option in options) <= USABLE_MEMORY:
                picked.append(options)
                members.append(tuple(Member(number, option.deployment, option.rows)
                                     for number, option in zip(chosen, options, strict=True)))  # fmt: skip
    rates = []
    for place, number in enumerate(chosen):
        deployments = np.array([options[place].deployment for options in picked], dtype=int)
        rate = np.array([options[place].rate for options in picked])
        rates.append((number, deployments, rate.reshape(len(picked), len(items[number].rows))))
    return by_device(made(items, members, job, starts, rates), offers, job)


def _cheapest(common: set[int], item: Deployments, offers: OfferList, job: FleetJob) -> list[int]:
    """Of offers of one system and kind of term, those that no other beats in price and carbon."""
    price: dict[int, tuple[float, float]] = {}
    for offer in sorted(common):
        place = np.flatnonzero((item.offer == offer) & (item.systems == 1))[0]
        price[offer] = (float(item.cost[place]) if uses_cost(job) else 0.0,
                        float(item.carbon[place]) if uses_carbon(job) else 0.0)  # fmt: skip
    kept: list[int] = []
    for offer in sorted(price, key=lambda offer: (price[offer], offer)):
        record = offers.offers[offer]
        if not any(
            offers.offers[other].system == record.system and offers.offers[other].max_systems is None
            and is_committed(offers.offers[other]) == is_committed(record) and price[other][1] <= price[offer][1]
            for other in kept
        ):  # fmt: skip
            kept.append(offer)
    return sorted(kept)


def best_by_memory(item: Deployments, models: int, job: FleetJob, without: str) -> dict[int, list[Option]]:
    """Offer to the deployments on one of its systems that the service's traffic loads least, by memory allowed."""
    share = np.array(item.workload.shares)
    answer: dict[int, list[Option]] = {}
    single = (item.systems == 1) & priced(item, job)
    for part in range(1, MEMORY_PARTS):
        rate, row = item.capacity(models, USABLE_MEMORY * part / MEMORY_PARTS, without)
        with np.errstate(divide="ignore"):
            load = (share / rate).sum(axis=1)
        places = np.flatnonzero(single & np.isfinite(load))
        places = places[np.lexsort((places, load[places], item.offer[places]))]
        _, first = np.unique(item.offer[places], return_index=True)
        for place in places[first]:
            rows = tuple(row[place].tolist())
            memory = max(float(item.rows[size].memory[at]) for size, at in enumerate(rows))
            known = answer.setdefault(int(item.offer[place]), [])
            if not known or load[place] < (share / known[-1].rate).sum():
                known.append(Option(memory, int(place), rate[place], rows))
    return answer
