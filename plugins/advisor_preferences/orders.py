"""Rankers that make one number of all objectives: weighted sum and TOPSIS; lower is better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from advisor.candidates import Array
from advisor.interfaces import Ranker


def weighted_sum(losses: Array, weights: Array) -> Array:
    """Weighted sum of each row, added in the order of the columns, so that a row's sum depends on it alone."""
    answer = np.zeros(len(losses))
    for column, weight in enumerate(weights.tolist()):
        answer += losses[:, column] * weight
    return answer


class WeightedRanker(Ranker):
    """Weighted sum of losses: simple additive weighting (Fishburn, Operations Research 15(3), 1967)."""

    name = "weighted"
    doc = "weighted sum of losses: any shortcoming can be made up for by another objective"

    def scores(self, losses: Array, weights: Array) -> Array:
        """Return the weighted mean loss."""
        return weighted_sum(losses, weights)


class TopsisRanker(Ranker):
    """Technique for order of preference by similarity to the ideal solution.

    Hwang and Yoon, Multiple Attribute Decision Making, Springer 1981: columns divided by their
    Euclidean norms and weighted; distances to the best and the worst value of every objective.
    Columns of any sign do: one that is better when higher is its negative.
    """

    name = "topsis"
    doc = "nearness to the best and distance from the worst of all objectives at once"

    def scores(self, losses: Array, weights: Array) -> Array:
        """Return 1 - relative closeness: 0 at the ideal, 1 at the worst of everything."""
        return self.fitted(losses, weights)(losses)

    def fitted(self, losses: Array, weights: Array) -> Callable[[Array], Array]:
        """Take the norms, the ideal and the worst from ``losses``."""
        if not len(losses):
            return lambda rows: np.zeros(len(rows))
        norms = np.sqrt((losses * losses).sum(axis=0))
        scale = weights / np.where(norms > 0, norms, 1.0)
        ideal, worst = losses.min(axis=0) * scale, losses.max(axis=0) * scale

        def scored(rows: Array) -> Array:
            to_ideal, to_worst = _distance(rows, scale, ideal), _distance(rows, scale, worst)
            total = to_ideal + to_worst
            return np.where(total > 0, to_ideal / np.where(total > 0, total, 1.0), 0.0)

        return scored


def _distance(rows: Array, scale: Array, point: Array) -> Array:
    square = np.zeros(len(rows))
    for column in range(rows.shape[1]):
        square += (rows[:, column] * scale[column] - point[column]) ** 2
    return np.asarray(np.sqrt(square))
