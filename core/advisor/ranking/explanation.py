"""Why the order is as it is: what bounds each candidate, what each aspect added, why the rest were left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Ranking

EXPLAIN_SCHEMA = {"name": "advisor.explain", "version": 1}


@dataclass(frozen=True)
class Explained:
    """One candidate explained: aspect to (loss, weight, contribution), shares of its step, scorer parts."""

    candidate: Candidate
    contributions: dict[str, tuple[float, float, float]]
    time_shares: dict[str, float]
    scorer_parts: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Explanation:
    """The reasons of a ranking."""

    ranking: Ranking
    top: list[Explained]
    left_out: dict[str, int]
    broken_rules: dict[str, int]
    relaxations: list[str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema": EXPLAIN_SCHEMA,
            "weights": dict(self.ranking.weights),
            "candidates": [
                {
                    **item.candidate.to_dict(),
                    "contributions": {
                        name: {"loss": loss, "weight": weight, "contribution": contribution}
                        for name, (loss, weight, contribution) in item.contributions.items()
                    },
                    "time_shares": item.time_shares,
                    "scorer_parts": item.scorer_parts,
                }
                for item in self.top
            ],
            "left_out": self.left_out,
            "broken_rules": self.broken_rules,
            "relaxations": self.relaxations,
            "warnings": self.ranking.warnings,
        }


def explain(ranking: Ranking, top: int) -> Explanation:
    """Explain the first ``top`` alternatives and everything that was left out."""
    broken = {v.rule: int(v.rows.sum()) for v in ranking.violations if v.rows.any()}
    shown = ranking.alternatives[:top] or ranking.infeasible[:top]
    return Explanation(
        ranking, [_explained(ranking, candidate) for candidate in shown],
        dict(sorted(ranking.context.left_out.items(), key=lambda item: -item[1])),
        dict(sorted(broken.items(), key=lambda item: -item[1])), _relaxations(ranking),
    )  # fmt: skip


def _explained(ranking: Ranking, candidate: Candidate) -> Explained:
    contributions: dict[str, tuple[float, float, float]] = {}
    parts: dict[str, dict[str, float]] = {}
    if candidate.estimated:
        judged = [item for item in ranking.measured if item.objective.aspect]
        for column, item in enumerate(judged):
            loss = float(ranking.losses[candidate.row, column])
            weight = ranking.weights.get(item.objective.aspect, 0.0)
            contributions[item.objective.aspect] = (loss, weight, loss * weight)
        found = {item.objective.name: item.parts_at(candidate.row) for item in ranking.measured}
        parts = {name: {part: value for part, value in added.items() if np.isfinite(value)}
                 for name, added in found.items() if added}  # fmt: skip
    times = {name: figure.value for name, figure in candidate.parts("time").items()}
    total = sum(times.values())
    shares = {name: value / total for name, value in times.items()} if total > 0 else {}
    return Explained(candidate, contributions, shares, parts)


def _relaxations(ranking: Ranking) -> list[str]:
    """Where nothing is feasible: for each limit, the least change that would let a candidate in, others kept."""
    if ranking.feasible_count or not len(ranking.rows):
        return []
    answer = []
    for violation in ranking.violations:
        others = np.zeros(len(ranking.rows), dtype=bool)
        for other in ranking.violations:
            if other is not violation:
                others |= other.rows
        reachable = violation.rows & ~others
        if violation.value is None or violation.bound is None or not reachable.any():
            continue
        values = violation.value[reachable]
        best = values[np.argmin(np.abs(values - violation.bound))]
        now = format_quantity(violation.bound, violation.unit)
        answer.append(f"{violation.rule}: {format_quantity(float(best), violation.unit)} instead of {now} would do")
    return answer
