"""How sure the order is: the chance that each candidate is the best, and that it keeps every limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from advisor.candidates import Array
from advisor.ranking.errors import Z80, Sharing, draw_errors
from advisor.ranking.quasirandom import normal_share

#: A candidate that would beat the first of its group with at least this chance is tied with it: the 80 % interval
#: of the difference of their scores holds zero.
TIED_FROM = 0.1


class Uncertain(NamedTuple):
    """One objective of some candidates: ends of the 80 % intervals, and the losses there.

    ``errs_with`` is what candidates share its error by. ``bound`` is its limit, if it has one.
    """

    name: str
    errs_with: str
    value: Array
    low: Array
    high: Array
    minimize: bool
    bound: float | None = None
    negligible: float = 0.0
    per_doubling: float = 0.0  # what counts as one doubling on a linear scale; 0 on a ratio scale

    def slopes(self) -> tuple[Array, Array]:
        """Loss that is added a standard deviation of error for the worse, and taken off one for the better."""
        if self.per_doubling:
            up, down = (self.high - self.value) / self.per_doubling, (self.value - self.low) / self.per_doubling
        else:
            low, value, high = (np.maximum(end + self.negligible, 1e-300) for end in (self.low, self.value, self.high))
            up, down = np.log2(high / value), np.log2(value / low)
        worse, better = (up, down) if self.minimize else (down, up)
        return tuple(np.where(np.isfinite(side), side, 0.0) / Z80 for side in (worse, better))  # type: ignore[return-value]

    def most_error(self) -> Array:
        """The error, in standard deviations, up to which each candidate keeps the bound."""
        if self.bound is None:
            return np.full(len(self.value), np.inf)
        below = np.minimum if self.minimize else np.maximum
        answer = np.empty(len(self.value))
        for row, (value, low, high) in enumerate(zip(self.value, self.low, self.high, strict=True)):
            worse, better = (high, low) if self.minimize else (low, high)
            kept = below(value, self.bound) == value
            towards = worse if kept else better  # the side of the interval on which the bound lies
            if value > 0 and towards > 0 and self.bound > 0:
                width, gap = abs(math.log(towards / value)), abs(math.log(self.bound / value))
            else:
                width, gap = abs(towards - value), abs(self.bound - value)
            far = gap / width * Z80 if width > 0 else math.inf
            answer[row] = far if kept else -far
        return answer


class Certainty(NamedTuple):
    """What is known of one candidate: chances from 0 to 1.

    ``best``: that no other candidate compared scores better and keeps the limits. ``limits``: that it
    keeps each limit; ``keeps_limits``: all of them. ``tied_with``: position of the candidate, first of
    its group, which the data cannot separate it from; its own, ``place``, where it heads a group.
    """

    best: float
    keeps_limits: float
    limits: Mapping[str, float]
    tied_with: int
    place: int


def certainties(
    objectives: Sequence[Uncertain], sharing: Sharing, losses: Array, columns: Sequence[int],
    score: Callable[[Array], Array], offsets: Array | float = 0.0,
) -> list[Certainty]:  # fmt: skip
    """Return the certainty of some candidates in order, best first.

    ``losses`` are (candidates, columns) as estimated; ``columns`` gives the column of ``losses`` of each
    objective, -1 for one that is only limited. ``score`` is the ranker's; ``offsets`` are added to it.
    The errors of all objectives that err with the same thing are one error: a device slower than
    estimated is slower, dearer and less efficient at once.
    """
    errors = draw_errors(sharing)
    draws, count = next(iter(errors.values())).shape
    drawn = np.broadcast_to(losses, (draws, *losses.shape)).copy()
    limits: dict[str, Array] = {}
    furthest: dict[str, Array] = {}
    for objective, column in zip(objectives, columns, strict=True):
        error = errors[objective.errs_with]
        if column >= 0:
            worse, better = objective.slopes()
            drawn[:, :, column] += np.where(error > 0, error * worse, error * better)
        if objective.bound is not None:
            most = objective.most_error()
            limits[objective.name] = np.array([normal_share(place) for place in most])
            furthest[objective.errs_with] = np.minimum(furthest.get(objective.errs_with, np.inf), most)
    scores = score(drawn.reshape(draws * count, -1)).reshape(draws, count) + offsets
    keeps = np.ones((draws, count), dtype=bool)
    all_limits = np.ones(count)
    for name, most in furthest.items():
        keeps &= errors[name] <= most
        all_limits *= np.array([normal_share(place) for place in most])
    best = _chance_of_best(np.where(keeps, scores, np.inf))
    heads = _heads(scores)
    by_limit = [{name: float(chance[row]) for name, chance in limits.items()} for row in range(count)]
    return [
        Certainty(float(best[row]), float(all_limits[row]), by_limit[row], heads[row], row) for row in range(count)
    ]  # fmt: skip


def _chance_of_best(scores: Array) -> Array:
    """Share of draws in which each column is least; equal columns share a draw."""
    least = scores.min(axis=1, keepdims=True)
    first = (scores == least) & np.isfinite(least)
    return np.asarray((first / np.maximum(first.sum(axis=1, keepdims=True), 1)).sum(axis=0) / len(scores))


def _heads(scores: Array) -> list[int]:
    """For each candidate the first of its group: a group ends where one is surely worse than its first."""
    heads = []
    head = 0
    for row in range(scores.shape[1]):
        better = scores[:, row] < scores[:, head]
        equal = scores[:, row] == scores[:, head]
        if better.mean() + 0.5 * equal.mean() < TIED_FROM:
            head = row
        heads.append(head)
    return heads
