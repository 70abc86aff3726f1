"""Rankers: a score a row from losses (rows, objectives) and weights; lower is better."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array
from advisor.interfaces import Ranker


class WeightedRanker(Ranker):
    """Weighted sum of losses: simple additive weighting (Fishburn, Operations Research 15(3), 1967)."""

    name = "weighted"
    doc = "weighted sum of losses: any shortcoming can be made up for by another objective"

    def scores(self, losses: Array, weights: Array) -> Array:
        """Return the weighted mean loss."""
        return np.asarray(losses @ weights)


class TopsisRanker(Ranker):
    """Technique for order of preference by similarity to the ideal solution.

    Hwang and Yoon, Multiple Attribute Decision Making, 1981: columns divided by their Euclidean
    norms and weighted; distances to the best and the worst value of every objective.
    """

    name = "topsis"
    doc = "nearness to the best and distance from the worst of all objectives at once"

    def scores(self, losses: Array, weights: Array) -> Array:
        """Return 1 - relative closeness: 0 at the ideal, 1 at the worst of everything."""
        if not len(losses):
            return np.zeros(0)
        norms = np.sqrt(np.einsum("ij,ij->j", losses, losses))
        weighted = losses * (weights / np.where(norms > 0, norms, 1.0))
        to_best = np.linalg.norm(weighted - weighted.min(axis=0), axis=1)
        to_worst = np.linalg.norm(weighted - weighted.max(axis=0), axis=1)
        total = to_best + to_worst
        return np.where(total > 0, to_best / np.where(total > 0, total, 1.0), 0.0)


class LexicographicRanker(Ranker):
    """Objectives one after the other, the heaviest first; losses within a step of tolerance are equal.

    Lexicographic ordering with just-noticeable differences (Tversky, Intransitivity of preferences,
    Psychological Review 76, 1969), made transitive by fixed steps.
    """

    name = "lexicographic"
    doc = "the heaviest objective decides; the next one only between near equals"

    def __init__(self, tolerance: float = 0.07) -> None:
        self.tolerance = tolerance  # in losses: 0.07 is about 5 % of a ratio-scaled value

    def scores(self, losses: Array, weights: Array) -> Array:
        """Return the position in the order, the same for rows equal in every step."""
        if not len(losses):
            return np.zeros(0)
        heaviest_first = [column for column in np.argsort(-weights, kind="stable") if weights[column] > 0]
        if not heaviest_first:
            return np.zeros(len(losses))
        steps = np.floor(losses[:, heaviest_first] / self.tolerance)
        _, positions = np.unique(steps, axis=0, return_inverse=True)
        return np.asarray(positions, dtype=float).reshape(-1)
