"""The one way in which a check complains, and small comparisons that several checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from advisor.candidates import Array, Candidates


class ConformanceError(AssertionError):
    """A plugin does not keep the contract; the message says which part, in one line a complaint."""


class Check(NamedTuple):
    """One check: what it is about, and a function without arguments that raises if it fails."""

    name: str
    run: Callable[[], None]


def require(true: object, complaint: str) -> None:
    """Raise ``ConformanceError`` unless the condition holds."""
    if not true:
        raise ConformanceError(complaint)


def snapshot(rows: Candidates) -> dict[str, Array]:
    """Every column that was set."""
    return {name: rows[name] for name in rows.names}


def require_same(first: dict[str, Array], second: dict[str, Array], complaint: str, *, exact: bool = True) -> None:
    """Compare two snapshots: exactly, or to rounding where the order of additions may differ."""
    require(first.keys() == second.keys(), f"{complaint}: set other columns ({sorted(first.keys() ^ second.keys())})")
    for name, array in first.items():
        other = second[name]
        same = np.array_equal(array, other) if exact else np.allclose(array, other, rtol=1e-9, atol=1e-12)
        require(same, f"{complaint}: column {name!r} differs")


def require_unique(names: Iterable[str], what: str) -> None:
    """Complain of the first name that is there twice."""
    seen: set[str] = set()
    for name in names:
        require(name not in seen, f"{what} {name!r} is given twice")
        seen.add(name)
