"""Evenly spread draws of standard normal errors: a lattice, the same every time."""

from __future__ import annotations

import math

import numpy as np

from advisor.candidates import Array

#: Draws; a prime, so that every coordinate takes every value once.
POINTS = 1021
#: Rank-1 lattice rule made component by component (benchmarks/lattice.py; Sloan and Reztsov, Mathematics of
#: Computation 71, 2002), so that any two coordinates are spread evenly.
GENERATOR = (
    1, 374, 242, 361, 209, 451, 323, 324, 133, 287, 77, 210, 107, 199, 46, 153, 171, 369, 56, 497, 234, 290, 130,
    388, 67, 467, 400, 487, 304, 365, 96, 169, 45, 494, 250, 432, 310, 454, 44, 120, 68, 93, 381, 446, 430, 498,
    334, 354, 252, 316, 343, 364, 55, 150, 18, 415, 294, 312, 89, 407, 35, 183, 20, 333, 103, 276, 173, 379, 159,
    248, 302, 383, 408, 463, 38, 82, 198, 481, 241, 286, 148, 218, 261, 402, 196, 208, 460, 509, 362, 405, 39, 292,
    345, 384, 43, 254, 16, 142, 282, 305, 63, 79, 337, 455, 12, 404, 174, 268, 137, 188, 378, 474, 72, 382, 140,
    289, 329, 495, 233, 357, 97, 478, 37, 456, 264, 301, 17, 232,
)  # fmt: skip
#: Shift of each coordinate from the one before, in points: the golden section, so that no draw is extreme in all.
SHIFT = 631


def normal_draws(coordinates: int) -> Array:
    """Return (POINTS, coordinates) standard normal numbers, at most ``len(GENERATOR)`` coordinates.

    Every coordinate takes the quantiles of (i + 1/2) / POINTS, in another order. A mean over the draws
    is nearer to the expectation than one over as many random draws (quasi-Monte Carlo: Dick, Kuo and
    Sloan, Acta Numerica 22, 2013).
    """
    steps = np.array(GENERATOR[:coordinates])
    places = (np.arange(POINTS)[:, None] * steps + SHIFT * np.arange(1, coordinates + 1)) % POINTS
    return np.asarray(_quantiles()[places])


def _quantiles() -> Array:
    """Quantiles of the standard normal distribution at (i + 1/2) / POINTS, by its inverse between close places."""
    values = np.linspace(-4.0, 4.0, 801)
    shares = [normal_share(value) for value in values.tolist()]
    return np.interp((np.arange(POINTS) + 0.5) / POINTS, shares, values)


def normal_share(value: float) -> float:
    """Share of a standard normal distribution below a value."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))
