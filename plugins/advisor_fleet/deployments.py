"""Ways to run one workload of a fleet: offer x layout x recipe, with the rate that each size of request allows.

Found by ranking the workload once for each size of request, at full capacity. A deployment keeps one
recipe for all sizes; how many requests are in flight is the server's choice, so the best batch counts
for each size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.errors import InputError
from advisor.records import replace
from advisor_fleet.job import FleetWorkload
from advisor_fleet.program import Array

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor.models import Model
    from advisor.offers import Offer
    from advisor.ranking.result import Ranking

#: A request rate at which hardware is idle: what it then costs and emits is the fixed part.
IDLE_RATE = 1e-6
HOURS_PER_MONTH = 730.0
NO_OFFER = "no known offer"
_LAYOUT = ("tensor_parallel", "pipeline_parallel", "context_parallel", "expert_parallel", "data_parallel",
           "framework")  # fmt: skip
#: Latency limits of a workload, and the estimate that each bounds.
LATENCIES = {"max_ttft": "time_to_first_token", "max_tpot": "time_per_output_token", "max_latency": "request_latency"}


@dataclass(frozen=True)
class Rows:
    """The estimated rows of one ranking as arrays (R,): which deployment, and what bounds it.

    ``rate`` is of one unit; ``memory`` a share of the device's; ``room`` how many times longer every
    latency could be; ``broken`` rule to the rows that break it.
    """

    ranking: Ranking
    deployment: Array
    rate: Array
    memory: Array
    room: Array
    broken: Mapping[str, Array]


@dataclass
class Deployments:
    """The deployments (D,) of one workload, and for each size of request the rows that realise them.

    ``cost`` (USD/h) and ``carbon`` (g/h) are of one unit that is idle, ``busy_cost`` and ``busy_carbon``
    of one at full load. ``systems`` are those of a unit of ``offer``.
    """

    workload: FleetWorkload
    model: Model
    rows: list[Rows]
    offer: Array
    systems: Array
    devices: Array
    cost: Array
    carbon: Array
    busy_cost: Array
    busy_carbon: Array

    def rules(self) -> list[str]:
        """Rules that rule out some row of some size."""
        found = [name for rows in self.rows for name, mask in rows.broken.items() if mask.any()]
        return [name for name in dict.fromkeys(found) if name != NO_OFFER]

    def capacity(self, models: int = 1, memory: float = 1.0, without: str = "") -> tuple[Array, Array]:
        """Requests a second of one unit (D, sizes), and the row of each; 0 and -1 where it cannot.

        Among ``models`` that take turns on a unit each may wait for the others, so latencies must hold
        that many times over, and each has a share of the ``memory``. ``without`` lifts one rule.
        """
        rate = np.zeros((len(self.offer), len(self.rows)))
        best = np.full(rate.shape, -1)
        for column, rows in enumerate(self.rows):
            fits = (rows.memory <= memory) & (rows.rate > 0)
            if models > 1:
                fits &= rows.room >= models
            for name, mask in rows.broken.items():
                if name != without:
                    fits &= ~mask
            places = np.flatnonzero(fits)
            order = places[np.lexsort((-rows.rate[places], rows.deployment[places]))]
            which, first = np.unique(rows.deployment[order], return_index=True)
            rate[which, column] = rows.rate[order[first]]
            best[which, column] = order[first]
        return rate, best


class OfferList:
    """Offers by position, shared by all workloads of a fleet."""

    def __init__(self) -> None:
        self.offers: list[Any] = []
        self.systems: list[Any] = []
        self.devices: list[Any] = []
        self._position: dict[str, int] = {}

    def positions(self, ranking: Ranking) -> Array:
        """Position here of each of a ranking's offers."""
        context = ranking.context
        systems = {system.id: system for system in context.system_list}
        devices = {device.id: device for device in context.device_list}
        for offer in context.offer_list:
            if offer.id not in self._position:
                self._position[offer.id] = len(self.offers)
                self.offers.append(offer)
                self.systems.append(systems[offer.system])
                self.devices.append(devices[systems[offer.system].device])
        return np.array([self._position[offer.id] for offer in context.offer_list], dtype=np.int64)


def find_deployments(
    advisor: Advisor, workload: FleetWorkload, offers: OfferList, carbon: bool, objective: str = "cost"
) -> Deployments:
    """Rank the workload for each size of request and gather its deployments.

    The ``objective`` decides which candidates a ranking keeps where there are too many to keep all.
    """
    workload = replace(workload, workload=workload.workload.replace(optimize=objective, weights={}, profile=""))
    model = _read(advisor, workload)
    asked = [workload.of_size(size) for size in workload.sizes] if workload.serves else [workload.workload]
    rankings = [advisor.rank(model, each) for each in asked]
    labels: dict[str, int] = {}
    tables = [_key_columns(ranking, offers, labels) for ranking in rankings]
    whole = np.concatenate(tables) if tables else np.zeros((0, 3), np.int64)
    codes = _codes(whole)
    known, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    gathered, start = [], 0
    prices = np.full((4, len(known)), np.nan)
    for ranking in rankings:
        deployment = inverse[start : start + len(ranking.rows)]
        start += len(ranking.rows)
        gathered.append(_rows(ranking, deployment, workload))
        _fill(prices[2:], deployment, ranking, workload)
    prices[:2] = prices[2:]
    if workload.serves and len(known) and (carbon or any(map(_pays_electricity, offers.offers))):
        idle = advisor.rank(model, workload.of_size(workload.sizes[0]).replace(request_rate=IDLE_RATE))
        both = _codes(np.concatenate([whole, _key_columns(idle, offers, labels)]))
        place = np.searchsorted(np.sort(both[first]), both[len(whole) :])
        order = np.argsort(both[first])
        place = order[np.minimum(place, len(order) - 1)]
        matched = both[first][place] == both[len(whole) :]
        found = np.full((2, len(known)), np.nan)
        _fill(found, np.where(matched, place, -1), idle, workload)
        prices[:2] = np.where(np.isnan(found), prices[:2], np.minimum(found, prices[2:]))
    table = whole[first] if len(whole) else np.zeros((0, 3), np.int64)
    return Deployments(workload, model, gathered, table[:, 0], table[:, 1], table[:, 2], *prices)


def _pays_electricity(offer: Offer) -> bool:
    return offer.purchase_usd is not None or offer.term == "owned"


def _read(advisor: Advisor, workload: FleetWorkload) -> Model:
    try:
        return advisor.read(workload.model)
    except InputError as error:
        raise InputError(f"workload {workload.name!r}: model: {error}") from None


def _key_columns(ranking: Ranking, offers: OfferList, labels: dict[str, int]) -> Array:
    """Offer, systems and devices of a unit, then what tells recipes and layouts apart: integers (rows, K)."""
    rows = ranking.rows
    known = offers.positions(ranking)
    offer = np.where(rows["offer"] >= 0, known[rows["offer"]] if len(known) else -1, -1)
    units = 1 if ranking.context.workload.task == "serve" else rows["units"].astype(np.int64)
    columns = [offer, rows["nodes"] * units, rows["device_count"] * units]
    for slot, names in ranking.choices.labels.items():
        codes = np.array([labels.setdefault(f"{slot}:{name}", len(labels)) for name in names])
        columns.append(codes[rows[f"choice.{slot}"]])
    columns += [rows[name] for name in _LAYOUT]
    return np.column_stack(columns).astype(np.int64)


def _codes(table: Array) -> Array:
    """One integer for each different row of small integers, by mixed radix."""
    code = np.zeros(len(table), np.int64)
    size = 1
    for column in table.T:
        least = int(column.min(initial=0))
        column = column - least
        used = np.zeros(int(column.max(initial=0)) + 1, bool)
        used[column] = True
        place = (np.cumsum(used) - 1)[column]
        count = int(used.sum())
        if size * count > 2**62:  # too many for one integer: count those that occur
            code = np.unique(code, return_inverse=True)[1]
            size = int(code.max(initial=0)) + 1
        code = code * count + place
        size *= count
    return code


def _rows(ranking: Ranking, deployment: Array, workload: FleetWorkload) -> Rows:
    rows = ranking.rows
    capacity = ranking.context.devices.memory_bytes[rows["device"]]
    usable = rows["memory"] / capacity if len(rows) else np.zeros(0)
    room = np.full(len(rows), np.inf)
    for name, estimate in LATENCIES.items():
        limit = getattr(workload.workload, name)
        if limit is not None and estimate in rows:
            room = np.minimum(room, limit / np.maximum(rows[estimate], 1e-12))
    rate = rows["samples_per_s"] if workload.serves else 1 / np.maximum(rows["run_time"], 1e-9)
    broken = {violation.rule: violation.rows for violation in ranking.violations}
    broken[NO_OFFER] = rows["offer"] < 0
    return Rows(ranking, deployment, np.asarray(rate), usable, room, broken)


def _fill(prices: Array, deployment: Array, ranking: Ranking, workload: FleetWorkload) -> None:
    """Set USD/h and g/h of one unit of each deployment, the least over its rows."""
    rows = ranking.rows
    if not len(rows):
        return
    measured = {item.objective.name: item for item in ranking.measured}
    known = deployment >= 0
    if workload.serves:
        values = [(measured.get("cost_per_hour"), 1.0), (measured.get("carbon_g"), HOURS_PER_MONTH)]
    else:
        hours = rows["run_time"] / 3600
        values = [(measured.get("cost_per_run"), hours), (measured.get("carbon_g"), hours)]
    for row, (item, divisor) in zip(prices, values, strict=True):
        if item is not None:
            value = np.broadcast_to(np.asarray(item.value, float) / divisor, len(rows))
            np.fmin.at(row, deployment[known], value[known])


def describe(ranking: Ranking, row: int) -> dict[str, Any]:
    """Recipe, layout and estimates of one row, for people and programs."""
    from advisor.ranking.result import Candidate

    candidate = Candidate(ranking, row, row + 1, ranking.rows)
    layout = candidate.layout
    names = ("time_to_first_token", "time_per_output_token", "request_latency", "run_time")
    return {
        "recipe": candidate.recipe,
        "layout": layout,
        "estimates": {name: figure.to_dict() for name, figure in candidate.estimates.items() if name in names},
    }

