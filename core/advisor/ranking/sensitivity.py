"""Where the winner changes: along a weight in closed form, along anything else by bisection."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from advisor.candidates import Array
from advisor.ranking.ordering import weighted_sum

#: Changes of the winner within its own group that are followed before the search ends.
MOST_TURNS = 100
#: Relative width to which a tipping point is bisected.
CLOSE = 1e-9


def tipping_weight(
    losses: Array, weights: Array, column: int, groups: Array, up: bool, offsets: Array | float = 0.0
) -> tuple[float, int] | None:
    """Weight of one objective at which a row of another group than the winner's comes first, and that row.

    ``losses`` are (rows, objectives), the winner first; ``offsets`` are added to the scores. The other
    weights keep their proportions, so that the score of a row is linear in the weight: the winner
    follows the lower envelope of lines (sensitivity of a linear scoring rule: Triantaphyllou and
    Sanchez, Decision Sciences 28(1), 1997).
    None where the winner stays all the way to 1, or to 0.
    """
    rest = weights.copy()
    rest[column] = 0.0
    if rest.sum() <= 0:
        return None
    base = weighted_sum(losses, rest / rest.sum())
    slope = losses[:, column] - base
    base = base + offsets
    place, winner = float(weights[column]), 0
    side = 1.0 if up else -1.0
    for _ in range(MOST_TURNS):
        gap = np.maximum(base - base[winner] + place * (slope - slope[winner]), 0.0)
        closing = side * (slope[winner] - slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            way = np.where(closing > 1e-12, gap / closing, np.inf)
        way[winner] = np.inf
        nearest = float(way.min())
        if not nearest < (1.0 - place if up else place) - 1e-9:
            return None
        place += side * nearest
        reached = np.flatnonzero(way <= nearest + 1e-12)
        other = reached[groups[reached] != groups[winner]]
        if len(other):
            return place, int(other[np.argmax(closing[other])])
        winner = int(reached[np.argmax(closing[reached])])
    return None


def bisected(changed: Callable[[float], bool], near: float, far: float, close: float = CLOSE) -> float:
    """The amount between ``near``, where nothing has changed, and ``far``, where it has, at which it changes.

    Both are above zero; the interval is halved on a logarithmic scale until its ends differ by the
    relative width ``close``.
    """
    while abs(math.log(far / near)) > close:
        middle = math.sqrt(near * far)
        if middle in (near, far):
            break
        near, far = (near, middle) if changed(middle) else (middle, far)
    return far
