"""At what weights other hardware comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from advisor.candidates import Array
from advisor.ranking.ordering import parsimony, row_scores, weighted_sum
from advisor.ranking.pareto import pareto_front
from advisor.ranking.preference import objective_weights
from advisor.ranking.sensitivity import bisected, tipping_weight
from advisor.ranking.tipping import Tipping

if TYPE_CHECKING:
    from advisor.ranking.result import Ranking

#: Weights that are tried on the way to 0 and to 1 where the ranker is not a weighted sum, and how near they are found.
TRIES = 6
CLOSE = 1e-3


def weight_tippings(ranking: Ranking) -> Iterator[Tipping]:
    """Weights, the others kept in proportion: in closed form for a weighted sum, else tried and bisected."""
    judged = [item for item in ranking.measured if item.objective.aspect]
    aspects = [item.objective.aspect for item in judged]
    weights = objective_weights([item.objective for item in judged], ranking.weights)
    losses = ranking.losses[: ranking.feasible_count]
    score = row_scores(losses, weights, aspects, ranking.context, ranking.registry)
    rows = np.arange(ranking.feasible_count)
    added_up = np.allclose(score(losses[:100]), weighted_sum(losses[:100], weights), atol=1e-9)
    if not added_up:  # whatever the weights, the first is on the front: nothing there is better in everything
        rows = np.union1d(np.flatnonzero(pareto_front(losses)), [0])
    groups = ranking.alternative_codes(rows)
    offsets = parsimony(ranking.rows.take(rows), ranking.context)

    def first(changed: Array) -> int:
        """Place among ``rows`` of the first at other weights."""
        fitted = row_scores(losses, changed, aspects, ranking.context, ranking.registry)
        return int(np.argmin(fitted(losses[rows]) + offsets))

    for column, aspect in enumerate(aspects):
        for up in (False, True):
            if added_up:
                found = tipping_weight(losses, weights, column, groups, up, offsets)
            else:
                found = _tried(first, weights, column, groups, up)
            if found is not None:
                weight, place = found
                yield Tipping("weight", aspect, float(weights[column]), weight, "", ranking.at(int(rows[place])))


def _tried(
    first: Callable[[Array], int], weights: Array, column: int, groups: Array, up: bool
) -> tuple[float, int] | None:
    """The nearest of some weights at which a row of another group is first, bisected."""
    now, rest = float(weights[column]), 1.0 - float(weights[column])
    if rest <= 0 or (now <= 0 and not up):
        return None
    tried: dict[float, int] = {}

    def changed(weight: float) -> bool:
        other = weights * ((1.0 - weight) / rest)
        other[column] = weight
        tried[weight] = first(other)
        return bool(groups[tried[weight]] != groups[0])

    near = now
    for step in range(1, TRIES + 1):
        far = now + (1.0 - now) * step / TRIES if up else now * (1.0 - step / (TRIES + 1))
        if changed(far):
            at = bisected(changed, max(near, CLOSE * far), far, CLOSE)
            return at, tried[at]
        near = far
    return None
