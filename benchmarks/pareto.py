"""CPU seconds of the exact Pareto front, for the table in docs/ranking.md.

    python benchmarks/pareto.py
"""

from __future__ import annotations

import time

import numpy as np

from advisor.ranking.pareto import pareto_front

CASES = [("independent", 4), ("independent", 6), ("alike", 6), ("duplicates", 6), ("trade-off", 3), ("trade-off", 4)]
ROWS = 1_000_000


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
        print(f"| {ROWS:,} | {columns} | {kind} | {int(front.sum()):,} | {time.process_time() - start:.1f} |")


if __name__ == "__main__":
    main()
