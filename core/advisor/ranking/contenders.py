"""From a ranking to the few candidates that could be the best, and how sure their order is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from advisor.ranking.certainty import Certainty, Uncertain, certainties
from advisor.ranking.errors import Sharing
from advisor.ranking.feasibility import bounds
from advisor.ranking.ordering import parsimony, row_scores
from advisor.ranking.preference import objective_weights

if TYPE_CHECKING:
    from advisor.candidates import Candidates
    from advisor.ranking.result import Ranking

#: Alternatives that are compared with each other: three errors of their own each, and those of devices and backends.
MOST = 24

#: Columns that make a configuration, beside the techniques and the system.
_CONFIGURATION = ("system", "nodes", "batch", "micro_batch", "tensor_parallel", "pipeline_parallel", "data_parallel",
                  "context_parallel", "expert_parallel", "virtual_stages", "shard_stage", "recompute")  # fmt: skip


def contenders(ranking: Ranking) -> list[Certainty]:
    """Return the certainty of the first alternatives, in order."""
    rows = np.array([candidate.row for candidate in ranking.alternatives[:MOST]], dtype=int)
    if not len(rows):
        return []
    limits = bounds(ranking.measured, ranking.context)
    judged = [item for item in ranking.measured if item.objective.aspect]
    columns = {item.objective.name: column for column, item in enumerate(judged)}
    weights = objective_weights([item.objective for item in judged], ranking.weights)
    objectives, places = [], []
    for item in ranking.measured:
        objective = item.objective
        column = columns.get(objective.name, -1)
        if column >= 0 and not weights[column]:
            column = -1
        if column < 0 and objective.name not in limits:
            continue
        value, low, high = item.ends(rows)
        objectives.append(Uncertain(
            objective.name, objective.errs_with, value, low, high, objective.direction == "minimize",
            limits.get(objective.name), objective.negligible, objective.span if objective.scale == "linear" else 0.0,
        ))  # fmt: skip
        places.append(column)
    score = row_scores(ranking.losses[: ranking.feasible_count], weights, [item.objective.aspect for item in judged],
                       ranking.context, ranking.registry)  # fmt: skip
    table = ranking.rows.take(rows)
    offsets = parsimony(table, ranking.context)
    return certainties(objectives, _sharing(ranking, table), ranking.losses[rows], places, score, offsets)


def _sharing(ranking: Ranking, table: Candidates) -> Sharing:
    """What the candidates share their errors by."""
    context = ranking.context
    devices: Sequence[int] = table["device"].tolist()
    choices = [table[f"choice.{slot}"].tolist() for slot in ranking.choices.labels]
    recipes = list(zip(*choices, strict=True)) if choices else [()] * len(table)
    layouts = zip(*(table[name].tolist() for name in _CONFIGURATION), strict=True)
    offers = [context.offer_list[place] if place >= 0 else None for place in table["offer"].tolist()]
    return Sharing(
        backend=[context.device_list[device].backend_name for device in devices], device=devices,
        configuration=list(zip(recipes, layouts, strict=True)), recipe=recipes,
        place=["" if offer is None else offer.grid or offer.region for offer in offers],
    )  # fmt: skip
