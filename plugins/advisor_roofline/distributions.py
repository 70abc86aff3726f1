"""Mixtures of gamma variates with their percentiles, and sums over a negative binomial, over many rows at once.

Transformations to the normal distribution: Wilson and Hilferty 1931 of a gamma variate, Paulson 1942 of the ratio
of two, which gives the sums of a negative binomial (Camp 1951). They are good to some tenths of a percent here, and
have no loop over the numbers that are summed.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from msgspec import Struct

from advisor.candidates import Array

#: Steps of bisection for a percentile, of the logarithm of its bracket; a last one is linear.
HALVINGS = 6
#: Parts that hold less of the requests than this share of those beyond a percentile do not move it.
RARE = 0.02
#: Ends of parts that differ by this share are one.
ALIKE = 1e-3


class Mixture(Struct, frozen=True, dict=True):
    """A time that is ``start`` plus a gamma variate of ``mean`` and ``variance``, for each part with its weight."""

    parts: tuple[tuple[Array, Array, Array, Array], ...]

    @property
    def mean(self) -> Array:
        """Mean of each row."""
        return np.asarray(sum(weight * (start + mean) for weight, start, mean, _ in self.parts))

    def quantile(self, share: float) -> Array:
        """The time that ``share`` of the requests stay below."""
        from statistics import NormalDist

        with np.errstate(all="ignore"):
            weight, start, slope, offset = self._stacked
            ends = start + np.maximum((NormalDist().inv_cdf(share) + offset) / slope, 0.0) ** 3
            if len(ends) == 1:
                return np.asarray(ends[0])
            counts = weight > RARE * (1 - share)
            low = np.maximum(np.where(counts, ends, np.inf).min(axis=0), 1e-12)
            high = np.where(counts, ends, 0.0).max(axis=0)
            apart = np.flatnonzero(high > (1 + ALIKE) * low)  # elsewhere one part alone tells
            these = (values.take(apart, axis=1) for values in self._stacked)
            low[apart] = _between(tuple(these), low[apart], high[apart], 1 - share)
            return np.asarray(low)

    def above(self, time: Array) -> Array:
        """Share of the requests that take longer than ``time``."""
        with np.errstate(all="ignore"):
            return _above(self._stacked, time)

    @cached_property
    def _stacked(self) -> Stacked:
        """Weights, starts, and what makes the cube root nearly standard normal, as (parts, rows)."""
        weight, start, mean, variance = (np.stack(values) for values in zip(*self.parts, strict=True))
        with np.errstate(all="ignore"):
            root = 3 * mean / np.sqrt(np.maximum(variance, 1e-10 * mean**2))
            return weight, start, root / np.cbrt(mean), root - 1 / root


Stacked = tuple[Array, ...]


def _above(stacked: Stacked, time: Array) -> Array:
    weight, start, slope, offset = stacked
    return np.asarray((weight * normal_above(slope * np.cbrt(time - start) - offset)).sum(axis=0))


def _between(stacked: Stacked, low: Array, high: Array, beyond: float) -> Array:
    """The time between ``low`` and ``high`` that a share of ``beyond`` takes longer than."""
    above_low, above_high = np.ones_like(low), np.zeros_like(low)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        found = _above(stacked, middle)
        more = found > beyond
        low, above_low = np.where(more, middle, low), np.where(more, found, above_low)
        high, above_high = np.where(more, high, middle), np.where(more, above_high, found)
    few, many = np.log(np.maximum(above_low, 1e-9) / beyond), np.log(np.maximum(above_high, 1e-9) / beyond)
    part = np.clip(few / np.maximum(few - many, 1e-12), 0.0, 1.0)
    return np.asarray(np.where(np.isfinite(low), low * (high / low) ** part, np.inf))


class Below(Struct, frozen=True):
    """The part of a distribution below a bound: its share, and mean and mean square within it."""

    share: Array
    mean: Array
    square: Array


def negative_binomial(mean: Array, ratio: Array, bound: Array) -> tuple[Below, Array, Array]:
    """Sums over p(k) = p(k-1) ratio (size + k - 1)/k, with size = mean (1 - ratio)/ratio.

    Returns the part below ``bound`` (a whole number from 1 on), p(bound) and p(0). Mean and square follow from
    the share and p(bound - 1) by summing the recursion over k.
    """
    size = mean * (1 - ratio) / ratio
    first = size * ratio
    lowest = size * np.log1p(-ratio)
    none = np.exp(lowest)
    last = _last(size, ratio, bound, lowest)
    odds = np.cbrt((1 - ratio) / ratio * bound / size)
    few, many = 1 / (9 * bound), 1 / (9 * size)
    share = normal_above(((1 - many) - (1 - few) * odds) / np.sqrt(few * odds**2 + many))
    share = np.where(bound <= 2, none * np.where(bound == 1, 1.0, 1 + first), share)
    share = np.maximum(share, 1e-30)
    edge = np.minimum(last / share * bound / (first + (bound - 1) * ratio), 1.0)  # p(bound - 1) over the share
    low = bound - 1
    average = np.clip((first * (1 - edge) - ratio * low * edge) / (1 - ratio), 0.0, low)
    square = first * (1 - edge) + (first + ratio) * (average - low * edge) - ratio * low**2 * edge
    return Below(share, average, np.clip(square / (1 - ratio), average**2, low * average)), last, none


def _last(size: Array, ratio: Array, bound: Array, lowest: Array) -> Array:
    """p(bound), from large numbers that nearly cancel: in double precision, whatever the others are in."""
    size, bound = size.astype(np.float64), bound.astype(np.float64)
    logarithm = _log_gamma(size + bound) - _log_gamma(size) - _log_gamma(bound + 1) + lowest + bound * np.log(ratio)
    return np.asarray(np.exp(logarithm).astype(ratio.dtype))


def _log_gamma(x: Array) -> Array:
    """Logarithm of the gamma function from 0 on, to 1e-8 (Stirling's series four further up)."""
    y = x + 4
    series = (y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + 1 / (12 * y) - 1 / (360 * y**3)
    return np.asarray(series - np.log(x * (x + 1) * (x + 2) * (x + 3)))


def normal_above(z: Array) -> Array:
    """Upper tail of the normal distribution, to 0.00014 (Bowling et al. 2009)."""
    return np.asarray(1 / (1 + np.exp(np.clip(z * (1.5976 + 0.07056 * z * z), -80, 80))))
