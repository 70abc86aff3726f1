"""The exact Pareto front of rows in any number of objectives."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array


def pareto_front(losses: Array) -> Array:
    """Return the mask of rows that no other row dominates.

    ``losses`` is (rows, objectives), lower is better. A row is dominated if another is at least as
    good in all objectives and better in one; equal rows do not dominate each other. Rows are visited
    by their sum, so that each one still standing is on the front (Kung, Luccio and Preparata 1975
    for the problem; the visit order is sort-filter-skyline, Chomicki et al. 2003).
    """
    count = len(losses)
    front = np.zeros(count, dtype=bool)
    if count == 0 or losses.shape[1] == 0:
        return ~front
    remaining = np.argsort(losses.sum(axis=1), kind="stable")
    values = losses[remaining]
    while len(remaining):
        pivot = values[0]
        front[remaining[0]] = True
        no_worse = (values >= pivot).all(axis=1)
        better = (values > pivot).any(axis=1)
        keep = ~(no_worse & better)
        keep[0] = False
        equal = no_worse & ~better
        front[remaining[equal]] = True
        keep &= ~equal
        remaining, values = remaining[keep], values[keep]
    return front


def dominated(row: Array, losses: Array) -> bool:
    """Whether any of ``losses`` (rows, objectives) is at least as good as ``row`` in all and better in one."""
    no_worse = np.ones(len(losses), dtype=bool)
    better = np.zeros(len(losses), dtype=bool)
    for column in range(losses.shape[1]):
        no_worse &= losses[:, column] <= row[column]
        better |= losses[:, column] < row[column]
    return bool((no_worse & better).any())
