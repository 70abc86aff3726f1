"""Which of many rows another dominates: nested boxes of near rows, compared box with box before row with row.

A row can dominate another only where the least corner of its box is no worse than the greatest corner of the other's,
so that most rows never meet (nested boxes: Bentley, Communications of the ACM 18(9), 1975; two trees walked together:
Gray and Moore, NIPS 2000). The sum of all objectives is one more column: on a surface of trade-offs it is what tells
boxes apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array

#: Most rows of a smallest box.
LEAF = 16
#: Rows whose rivals are looked for at once, and pairs of smallest boxes whose rows are compared at once.
BLOCK = 2048
PAIRS = 1 << 16
#: Columns that are compared over whole boxes; the others where these leave pairs open.
DENSE = 3


class Boxes:
    """Rows (rows, objectives), finite, cut in two at a median again and again.

    ``rows`` (boxes, size) are those of the smallest boxes, -1 where one is not full, and ``columns`` their values
    (boxes, size), the scaled sum first. ``least`` and ``most`` are the corners of the boxes of each level
    (columns, boxes), the whole first; the halves of box i are 2 i and 2 i + 1.
    """

    def __init__(self, values: Array) -> None:
        columns = [np.append(column, np.inf) for column in _with_sum(values)]
        depth = max(0, int(np.ceil(np.log2(max(len(values), 1) / LEAF))))
        rows = np.full(-(-len(values) // 2**depth) * 2**depth, -1, dtype=np.int32)
        rows[: len(values)] = np.arange(len(values), dtype=np.int32)
        self.least: list[Array] = []
        self.most: list[Array] = []
        for level in range(depth + 1):
            rows = rows.reshape(2**level, -1)
            least = np.empty((len(columns), len(rows)))
            most = np.empty_like(least)
            for number, column in enumerate(columns):
                found = column[rows]
                found.min(axis=1, out=least[number])
                np.where(rows >= 0, found, -np.inf).max(axis=1, out=most[number])
            self.least.append(least)
            self.most.append(most)
            if level < depth:
                rows = _halved(rows, columns, np.argmax(most - least, axis=0))
        self.rows = rows
        self.columns = [column[rows] for column in columns]


def _with_sum(values: Array) -> list[Array]:
    """The sum of the columns, each divided by its spread, and the columns.

    Rounding is monotone and the order of sums the same in each row, so that no row that dominates has a larger sum.
    """
    spread = np.maximum(values.max(axis=0) - values.min(axis=0), 1e-300) if len(values) else np.ones(values.shape[1])
    columns = [column / width for column, width in zip(values.T, spread, strict=True)]
    total = np.zeros(len(values))
    for column in columns:
        total += column
    return [total, *columns]


def _halved(rows: Array, columns: Sequence[Array], widest: Array) -> Array:
    """Each box cut at the median of the column in which it is widest."""
    keys = np.empty(rows.shape)
    for number, column in enumerate(columns):
        chosen = widest == number
        keys[chosen] = column[rows[chosen]]
    return np.take_along_axis(rows, np.argpartition(keys, rows.shape[1] // 2, axis=1), axis=1)


def dominated_rows(values: Array) -> Array:
    """Mask of the rows (rows, objectives) that another dominates; lower is better, no two rows are equal."""
    boxes = Boxes(values)
    beaten = np.zeros(len(values) + 1, dtype=bool)
    beaten[-1] = True  # the empty places of boxes
    depth = len(boxes.least) - 1
    start = max(0, depth - int(np.log2(BLOCK / LEAF)))
    for box in range(2**start):
        mine, theirs = np.array([box], dtype=np.int32), np.array([0], dtype=np.int32)
        for level in range(1, depth + 1):
            if level > start:
                mine = (2 * mine[:, None] + (0, 0, 1, 1)).reshape(-1)
                theirs = (2 * theirs[:, None] + (0, 1, 0, 1)).reshape(-1)
            else:
                theirs = (2 * theirs[:, None] + (0, 1)).reshape(-1)
                mine = np.full(len(theirs), box, dtype=np.int32)
            met = _no_worse(boxes.least[level], theirs, boxes.most[max(level, start)], mine)
            mine, theirs = mine[met], theirs[met]
        for first in range(0, len(mine), PAIRS):
            _compare(boxes, mine[first : first + PAIRS], theirs[first : first + PAIRS], beaten)
    return beaten[:-1]


def _compare(boxes: Boxes, mine: Array, theirs: Array, beaten: Array) -> None:
    """Mark the rows of smallest boxes that a row of those beside them dominates."""
    columns, least, size = boxes.columns, boxes.least[-1], boxes.rows.shape[1]
    flat = [column.reshape(-1) for column in columns]
    met = ~beaten[boxes.rows[mine]]
    for corner, column in zip(least[:DENSE], columns, strict=False):
        met &= corner[theirs][:, None] <= column[mine]
    pair, place = np.nonzero(met)
    row, box = mine[pair] * size + place, theirs[pair]
    near = _no_worse(least[DENSE:], box, flat[DENSE:], row)
    row, box = row[near], box[near]
    for first in range(0, len(row), PAIRS):
        part, boxed = row[first : first + PAIRS], box[first : first + PAIRS]
        met = np.ones((len(part), size), dtype=bool)
        for column, values in zip(columns[:DENSE], flat, strict=False):
            met &= column[boxed] <= values[part][:, None]
        pair, place = np.nonzero(met)
        rival, part = boxed[pair] * size + place, part[pair]
        other = np.flatnonzero(rival != part)
        rival, part = rival[other], part[other]
        beaten[boxes.rows.reshape(-1)[part[_no_worse(flat[DENSE:], rival, flat[DENSE:], part)]]] = True


def _no_worse(left: Sequence[Array] | Array, of: Array, right: Sequence[Array] | Array, than: Array) -> Array:
    """Positions where left[:, of] is no greater than right[:, than] in all columns."""
    met = np.arange(len(of))
    for mine, theirs in zip(left, right, strict=True):
        met = met[mine[of[met]] <= theirs[than[met]]]
    return met
