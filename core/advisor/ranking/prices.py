"""At what price the winner is no longer first, and below which price each of the next would be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from advisor.candidates import Array
from advisor.offers import Offer
from advisor.plugins import guarded
from advisor.ranking.contenders import MOST
from advisor.ranking.ordering import parsimony, row_scores
from advisor.ranking.preference import objective_weights
from advisor.ranking.sensitivity import bisected
from advisor.ranking.tipping import Tipping

if TYPE_CHECKING:
    from advisor.ranking.objectives import Measured
    from advisor.ranking.result import Candidate, Ranking

#: A price that would have to change by more than this factor is not worth a word.
FURTHEST_PRICE = 10.0
#: Other candidates whose price is looked at.
MOST_PRICES = 5


def price_tippings(ranking: Ranking) -> Iterator[Tipping]:
    """The price up to which the winner stays first, and those below which the next ones come first."""
    shown = ranking.alternatives[:MOST]
    priced = _Priced(ranking, shown)
    first = shown[0]
    rise = priced.tipping(0, up=True)
    if rise is not None:
        then = next((other for other in shown[1:] if other.offer is not None and other.offer != first.offer), None)
        yield _price(first, rise, then)
    falls = [(place, fall) for place in range(1, min(len(shown), MOST_PRICES + 1))
             if (fall := priced.tipping(place, up=False)) is not None]  # fmt: skip
    for place, fall in falls:
        yield _price(shown[place], fall, shown[place])


def _price(candidate: Candidate, factor: float, then: Candidate | None) -> Tipping:
    offer = candidate.offer
    assert offer is not None
    hourly = offer.price_usd_per_hour is not None
    now = offer.price_usd_per_hour if hourly else offer.purchase_usd
    return Tipping("price", offer.id, float(now or 0.0), float(now or 0.0) * factor, "USD/h" if hourly else "USD", then)


class _Priced:
    """Some candidates scored again at other prices of their offers."""

    def __init__(self, ranking: Ranking, candidates: list[Candidate]) -> None:
        self.candidates = candidates
        judged = [item for item in ranking.measured if item.objective.aspect]
        self.objectives = [item.objective for item in judged]
        rows = np.array([candidate.row for candidate in candidates], dtype=int)
        self.losses = np.array(ranking.losses[rows])
        weights = objective_weights(self.objectives, ranking.weights)
        self.score = row_scores(ranking.losses[: ranking.feasible_count], weights,
                                [objective.aspect for objective in self.objectives], ranking.context,
                                ranking.registry)  # fmt: skip
        usual, doubled = (_measured_at(ranking, rows, factor) for factor in (1.0, 2.0))
        names = [objective.name for objective in self.objectives]
        self.changing = [
            (column, usual[name].value, doubled[name].value - usual[name].value) for column, name in enumerate(names)
            if name in usual and name in doubled and (doubled[name].value != usual[name].value).any()
        ]  # fmt: skip
        self.offsets = parsimony(ranking.rows.take(rows), ranking.context)
        self.now = self.score(self.losses) + self.offsets

    def tipping(self, place: int, up: bool) -> float | None:
        """The factor on the price at which the candidate at ``place`` comes first, or stays so no longer."""
        offer = self.candidates[place].offer
        if offer is None or not (offer.price_usd_per_hour or offer.purchase_usd):
            return None
        same = [other.offer == offer for other in self.candidates]
        rivals = [number for number, known in enumerate(same) if not known]
        if not rivals:
            return None
        target = float(self.now[rivals].min())

        def changed(factor: float) -> bool:
            score = float(self.score(self._losses(place, factor))[0] + self.offsets[place])
            return score > target if up else score < target

        far = FURTHEST_PRICE if up else 1 / FURTHEST_PRICE
        if changed(1.0) or not changed(far):
            return None
        return bisected(changed, 1.0, far)

    def _losses(self, place: int, factor: float) -> Array:
        """Losses of one candidate at another price: values are linear in it."""
        losses = self.losses[place : place + 1].copy()
        for column, usual, added in self.changing:
            objective = self.objectives[column]
            sign = 1.0 if objective.direction == "minimize" else -1.0
            before, after = float(usual[place]), float(usual[place] + (factor - 1) * added[place])
            if objective.scale == "linear":
                losses[0, column] += sign * (after - before) / objective.span
            elif before + objective.negligible > 0:
                ratio = max(after + objective.negligible, 1e-300) / (before + objective.negligible)
                losses[0, column] += sign * math.log2(ratio)
        return losses


def _measured_at(ranking: Ranking, rows: Array, factor: float) -> dict[str, Measured]:
    """What scorers measure of some rows where every price is ``factor`` times what it is."""
    from advisor.engine import run_scorer

    context = ranking.context
    table = ranking.rows.take(rows)
    used = sorted({place for place in table["offer"].tolist() if place >= 0})
    position = {place: number for number, place in enumerate(used)}
    other = context.changed(offer_list=[_at(context.offer_list[place], factor) for place in used])
    table["offer"] = np.array([position.get(place, -1) for place in table["offer"].tolist()], dtype=np.int32)
    answer: dict[str, Measured] = {}
    for scorer in ranking.registry.scorers:
        found = guarded(ranking.registry.owner(scorer), f"scorer {scorer.name!r}", context.warn,
                        lambda s=scorer: run_scorer(s, table, other, set()))  # type: ignore[misc]  # fmt: skip
        answer |= {item.objective.name: item for item in (found[0] if found is not None else ())}
    return answer


def _at(offer: Offer, factor: float) -> Offer:
    """The offer at a multiple of its price."""
    return offer.replace(
        price_usd_per_hour=None if offer.price_usd_per_hour is None else offer.price_usd_per_hour * factor,
        purchase_usd=None if offer.purchase_usd is None else offer.purchase_usd * factor,
    )
