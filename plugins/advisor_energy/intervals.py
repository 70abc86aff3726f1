"""Positive quantities with an 80 % interval, so that a formula carries its uncertainty with it.

Factors of a product are taken as independent: their relative half-widths add in quadrature, as
the standard deviations of logarithms do (Guide to the expression of uncertainty in measurement,
JCGM 100:2008, 5.1). Terms of a sum share their causes (load, price level), so their ends add.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from advisor.candidates import Array, Candidates

Scalar = float | int
_TINY = 1e-200  # makes 0/0 one and nothing else different


class Interval(Struct, frozen=True):
    """A value with the ends of its interval; arrays of one shape, none negative."""

    value: Array
    low: Array
    high: Array

    @classmethod
    def exact(cls, value: Array | Scalar) -> Interval:
        """Return a quantity that is known."""
        array = np.asarray(value, dtype=float)
        return cls(array, array, array)

    @classmethod
    def of(cls, rows: Candidates, name: str) -> Interval:
        """Return an interval column of the table."""
        return cls(rows[name], rows[f"{name}.low"], rows[f"{name}.high"])

    @property
    def is_exact(self) -> bool:
        """Whether it is known to have no width, so that products need not look."""
        return self.low is self.value and self.high is self.value

    def take(self, index: Array) -> Interval:
        """Return the quantity at the given positions; -1 is the last."""
        return self._each(lambda end: end[index])

    def where(self, chosen: Array, other: Interval) -> Interval:
        """Return this quantity where ``chosen`` is true, the other elsewhere."""
        return Interval(
            np.where(chosen, self.value, other.value),
            np.where(chosen, self.low, other.low),
            np.where(chosen, self.high, other.high),
        )

    def __add__(self, other: Interval) -> Interval:
        if self.is_exact and other.is_exact:
            return Interval.exact(self.value + other.value)
        return Interval(self.value + other.value, self.low + other.low, self.high + other.high)

    def __mul__(self, other: Interval | Array | Scalar) -> Interval:
        if not isinstance(other, Interval):
            return self._each(lambda end: end * other)
        if other.is_exact:
            return self * other.value
        if self.is_exact:
            return other * self.value
        value = self.value * other.value
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            down = _excess(self.value, self.low) + _excess(other.value, other.low)
            up = _excess(self.high, self.value) + _excess(other.high, other.value)
            return Interval(value, value / (1 + np.sqrt(down)), value * (1 + np.sqrt(up)))

    def __truediv__(self, other: Interval | Array | Scalar) -> Interval:
        return self * other.reciprocal() if isinstance(other, Interval) else self * (1 / np.asarray(other))

    def reciprocal(self) -> Interval:
        """Return one over the quantity, which must be above zero."""
        with np.errstate(divide="ignore"):
            value = 1 / self.value
            return Interval.exact(value) if self.is_exact else Interval(value, 1 / self.high, 1 / self.low)

    @property
    def ends(self) -> tuple[Array, Array, Array]:
        """Value, low and high as a scorer returns them."""
        return self.value, self.low, self.high

    def _each(self, change: Callable[[Array], Array]) -> Interval:
        value = change(self.value)
        return Interval(value, value, value) if self.is_exact else Interval(value, change(self.low), change(self.high))


def _excess(larger: Array, smaller: Array) -> Array:
    """By how much the ratio exceeds one, squared; 0 where both are zero."""
    excess = (larger + _TINY) / (smaller + _TINY)
    excess -= 1
    excess *= excess
    return np.asarray(excess)
