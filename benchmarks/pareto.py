"""CPU seconds of the exact Pareto front, for the table in docs/ranking.md.

    python benchmarks/pareto.py

Rows of each case, drawn at random, are compared with the definition over all rows.
"""

from __future__ import annotations

import time

import numpy as np

from advisor.ranking.pareto import dominated, pareto_front

CASES = [("independent", 4), ("independent", 6), ("alike", 6), ("duplicates", 6), ("trade-off", 3), ("trade-off", 4),
         ("trade-off", 6), ("trade-off", 8)]
ROWS = 1_000_000
#: Rows on the front, and off it, that are checked of each case.
CHECKED = 200


def made(kind: str, rows: int, columns: int) -> np.ndarray:
    """Random losses: independent; alike (what is fast is cheap); with duplicates; near a plane of pure trade-offs."""
    random = np.random.default_rng(0)
    if kind == "alike":
        return random.normal(size=(rows, 1)) + 0.3 * random.normal(size=(rows, columns))
    if kind == "duplicates":
        few = np.round(random.random((rows // 8, columns)), 2)
        return few[random.integers(0, len(few), rows)]
    if kind == "trade-off":
        return random.dirichlet(np.ones(columns), rows) * random.normal(1, 0.05, (rows, 1))
    return random.random((rows, columns))


def main() -> None:
    """Print the rows of the table."""
    print("| rows | objectives | losses | on the front | CPU seconds |\n|---|---|---|---|---|")
    for kind, columns in CASES:
        losses = made(kind, ROWS, columns)
        start = time.process_time()
        front = pareto_front(losses)
        seconds = time.process_time() - start
        check(losses, front)
        print(f"| {ROWS:,} | {columns} | {kind} | {int(front.sum()):,} | {seconds:.1f} |")


def check(losses: np.ndarray, front: np.ndarray) -> None:
    """Compare rows of the front and of the rest with the definition."""
    random = np.random.default_rng(1)
    for side in (True, False):
        places = np.flatnonzero(front == side)
        for row in random.choice(places, min(CHECKED, len(places)), replace=False):
            assert dominated(losses[row], losses) is not side, (row, side)


if __name__ == "__main__":
    main()
