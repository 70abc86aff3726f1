"""Tables in pieces of bounded size, so that memory does not grow with the number of candidates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from advisor.candidates import Array, Candidates

#: Candidates that are evaluated at once. Smaller blocks cost more calls, larger ones fall out of the cache.
BLOCK = 1 << 16


def pieces(rows: Candidates, sizes: Array, most: int = BLOCK) -> Iterator[Candidates]:
    """Cut a table so that the sizes of the rows in a piece sum to ``most`` at the most, one row at the least."""
    if len(rows) and sizes.sum() <= most:
        yield rows
        return
    ends = np.cumsum(sizes)
    start = 0
    while start < len(rows):
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield rows.take(np.arange(start, end))
        start = end
