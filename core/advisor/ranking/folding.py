"""One line a real alternative: what is the same hardware with the same recipe, and nearly as good, is folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from advisor.candidates import Array
from advisor.ranking.preference import objective_weights

if TYPE_CHECKING:
    from advisor.ranking.result import Ranking

#: Weighted differences of two candidates in all objectives, added up, below which they are one alternative: about
#: as much as 7 % in everything.
ALIKE = 0.1


def folded(ranking: Ranking, rows: Array) -> dict[int, list[int]]:
    """Fold candidates that are alike into the first of them: its row to the rows of the others, in order."""
    judged = [item.objective for item in ranking.measured if item.objective.aspect]
    weights = objective_weights(judged, ranking.weights)
    losses = ranking.losses[rows]
    table = ranking.rows.take(rows)
    columns = [table[name].tolist() for name in ("device", "device_count", "units",
                                                 *(f"choice.{slot}" for slot in ranking.choices.labels))]  # fmt: skip
    heads: dict[tuple[float, ...], list[int]] = {}
    answer: dict[int, list[int]] = {}
    for place, key in enumerate(zip(*columns, strict=True)):
        known = heads.setdefault(key, [])
        for head in known:
            if float(np.abs(losses[head] - losses[place]) @ weights) < ALIKE:
                answer[int(rows[head])].append(int(rows[place]))
                break
        else:
            known.append(place)
            answer[int(rows[place])] = []
    return answer
