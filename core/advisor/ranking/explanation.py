"""Why the order is as it is: what bounds each candidate, what each aspect added, why the rest were left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.ranking.relaxations import relaxations
from advisor.ranking.tipping import Tipping, tippings

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

    @cached_property
    def relaxations(self) -> list[str]:
        """The smallest changes of limits that would make something feasible where nothing is."""
        return relaxations(self.ranking, ask_again=True)

    @cached_property
    def tippings(self) -> list[Tipping]:
        """What would change the winner, the nearest change first; traffic is found by ranking again."""
        return tippings(self.ranking)

    def candidates_dict(self) -> list[dict[str, Any]]:
        """The candidates for JSON."""
        return [
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
        ]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema": EXPLAIN_SCHEMA,
            "weights": dict(self.ranking.weights),
            "candidates": self.candidates_dict(),
            "left_out": self.left_out,
            "broken_rules": self.broken_rules,
            "relaxations": self.relaxations,
            "tippings": [tipping.to_dict() for tipping in self.tippings],
            "warnings": self.ranking.warnings,
        }


def explain(ranking: Ranking, top: int) -> Explanation:
    """Explain the first ``top`` alternatives, everything that was left out, and what would change the winner."""
    broken = {v.rule: v.count for v in ranking.violations if v.count}
    shown = ranking.alternatives[:top] or ranking.infeasible[:top]
    return Explanation(
        ranking, [_explained(ranking, candidate) for candidate in shown],
        dict(sorted(ranking.context.left_out.items(), key=lambda item: -item[1])),
        dict(sorted(broken.items(), key=lambda item: -item[1])),
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

