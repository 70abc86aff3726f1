"""The exact Pareto front of rows in any number of objectives.

A row is dominated if another is at least as good in all objectives and better in one; equal rows do
not dominate each other. The front of a whole is the front of the fronts of its parts, so that rows
may also come in chunks.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array

#: Passes over all that is left go on while one of the last few left out this share of it.
WORTHWHILE = 1 / 64
FEW_PASSES = 8
#: Rows that are compared with each other at once, near each other in all objectives.
CELL = 256
#: Cells are cut anew while that leaves out a share of the rows.
SHRINKING = 1.15


def pareto_front(losses: Array) -> Array:
    """Return the mask of rows that no other row dominates.

    ``losses`` is (rows, objectives), finite, lower is better. The rows of least sum strike out most
    others, in one pass each (sort-filter-skyline, Chomicki, Godfrey, Gryz and Liang, ICDE 2003). What
    is left is cut into cells of near rows, each cell to its own front (divide and conquer, as Kung, Luccio and
    Preparata, Journal of the ACM 22(4), 1975), and then compared by nested boxes (``boxes.py``).
    """
    count = len(losses)
    front = np.zeros(count, dtype=bool)
    columns = [np.ascontiguousarray(column) for column in losses.T if count and column.min() < column.max()]
    if not columns:
        return ~front
    order = np.argsort(sum(_scaled(column) for column in columns), kind="stable")
    places, columns = _strike(order, [column[order] for column in columns])
    values = np.column_stack(columns)
    unique, groups = np.unique(values, axis=0, return_inverse=True)
    kept = np.zeros(len(unique), dtype=bool)
    kept[_front_of_distinct(unique)] = True
    front[places[kept[groups.reshape(-1)]]] = True
    return front


def _scaled(column: Array) -> Array:
    """The column from 0 to 1."""
    least, most = column.min(), column.max()
    return np.asarray((column - least) / (most - least) if most > least else np.zeros(len(column)))


def _strike(places: Array, columns: list[Array]) -> tuple[Array, list[Array]]:
    """Strike out what single rows dominate, one pass a row, while that leaves much out."""
    progress = [1.0] * FEW_PASSES
    turn = 0
    while turn < len(places) and max(progress[-FEW_PASSES:]) > WORTHWHILE:
        worse = columns[0] >= columns[0][turn]
        for column in columns[1:]:
            worse &= column >= column[turn]
        worse_rows = np.flatnonzero(worse)
        equal = np.ones(len(worse_rows), dtype=bool)
        for column in columns:
            equal &= column[worse_rows] == column[turn]
        worse[worse_rows[equal]] = False
        struck = len(worse_rows) - int(equal.sum())
        progress.append(struck / len(places))
        if struck:
            keep = ~worse
            turn = int(keep[:turn].sum())
            places, columns = places[keep], [column[keep] for column in columns]
        turn += 1
    return places, columns


def _front_of_distinct(values: Array) -> Array:
    """Positions of the front of rows of which no two are equal: cells of near rows, then all that is left."""
    from advisor.ranking.boxes import dominated_rows

    places = np.arange(len(values))
    before = 2 * len(places)
    while CELL < len(places) < before / SHRINKING:
        before = len(places)
        places = np.concatenate([cell[~_dominated(values[cell])] for cell in _cells(values, places)])
    if len(places) <= CELL:
        return places[~_dominated(values[places])]
    return places[~dominated_rows(values[places])]


def _cells(values: Array, places: Array, axis: int = 0) -> list[Array]:
    """Cut the rows at the median of one objective after the other until few are together (Bentley 1975, k-d tree)."""
    if len(places) <= CELL:
        return [places]
    half = len(places) // 2
    cut = np.argpartition(values[places, axis], half)
    axis = (axis + 1) % values.shape[1]
    return _cells(values, places[cut[:half]], axis) + _cells(values, places[cut[half:]], axis)


def _dominated(rows: Array) -> Array:
    """Mask of a few rows that another dominates, where no two are equal: each row is its own only equal."""
    pairs = rows[:, 0, None] <= rows[None, :, 0]
    for column in range(1, rows.shape[1]):
        pairs &= rows[:, column, None] <= rows[None, :, column]
    return np.asarray(pairs.sum(axis=0) > 1)


def dominated(row: Array, losses: Array) -> bool:
    """Whether any of ``losses`` (rows, objectives) is at least as good as ``row`` in all and better in one."""
    no_worse = np.ones(len(losses), dtype=bool)
    better = np.zeros(len(losses), dtype=bool)
    for column in range(losses.shape[1]):
        no_worse &= losses[:, column] <= row[column]
        better |= losses[:, column] < row[column]
    return bool((no_worse & better).any())
