"""The ranker: a candidate is as good as its worst objective."""

from __future__ import annotations

import numpy as np

from advisor import Ranker
from advisor.candidates import Array


class CautiousRanker(Ranker):
    """Weighted Chebyshev distance from the best (Bowman 1976), with a hair of the sum to part ties."""

    name = "cautious"
    doc = "the worst weighted loss decides"

    def scores(self, losses: Array, weights: Array) -> Array:
        """Lower is better; losses are (rows, objectives)."""
        weighted = losses * weights
        return np.asarray(weighted.max(axis=1, initial=0.0) + 1e-3 * weighted.sum(axis=1))
