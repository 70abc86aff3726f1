"""Greedy search: one technique at a time, always the one that pays most, until none pays.

What a step pays is the sum over the aspects that the user weighs of how much better the candidate gets: doublings of
an objective that compares by ratio, spans of one that compares linearly, as rankers count losses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from advisor.names import normalise

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor.models import Model
    from advisor.ranking.result import Candidate, Ranking
    from advisor.workload import Workload

#: A step that pays less is noise of the estimates: a hundredth of a doubling in everything.
LEAST_PAY = 0.01
MOST_STEPS = 8
#: Stages whose techniques are free in every step: a system of many devices needs some layout.
FREE_STAGES = ("layout",)


@dataclass(frozen=True)
class Step:
    """A candidate, and what was done to get there from the one before: a technique's label, or ``batch N``."""

    label: str
    slot: str
    candidate: Candidate
    pays: float


@dataclass
class Plan:
    """The plain model's candidate, the steps, and the ranking of everything tried at last."""

    start: Candidate
    steps: list[Step] = field(default_factory=list)

    @property
    def last(self) -> Candidate:
        """Where the steps lead."""
        return self.steps[-1].candidate if self.steps else self.start


class Search:
    """The search for one model, system and workload."""

    def __init__(self, advisor: Advisor, model: Model, on: str, workload: Workload) -> None:
        self._advisor = advisor
        self._model = model
        self._on = on
        self._workload = workload
        self._techniques = advisor.registry.techniques
        self._kept = {normalise(text.partition("=")[0]) for text in (*workload.techniques, workload.method)}

    def run(self) -> Plan | None:
        """Search; None where not even the plain model can be estimated."""
        plain = self._best(self._ranking({}, ""), None)
        if plain is None:
            return None
        plan = Plan(plain)
        chosen: dict[str, str] = {}
        while len(plan.steps) < MOST_STEPS:
            step = max(self._options(plan.last, chosen), key=lambda option: option.pays, default=None)
            if step is None or step.pays < LEAST_PAY:
                break
            plan.steps.append(step)
            if step.slot != "batch":
                chosen[step.slot] = step.label
        return plan

    def _options(self, now: Candidate, chosen: Mapping[str, str]) -> Iterator[Step]:
        """The best candidate for each technique that could be added, and for another batch."""
        batch = self._batch(now)
        slots = dict.fromkeys(technique.slot for technique in self._techniques if technique.stage not in FREE_STAGES)
        for slot in ("", *slots):
            if slot in chosen or (slot and now.recipe.get(slot)):
                continue
            ranking = self._ranking(chosen, slot)
            best: dict[str, Step] = {}
            for candidate in ranking.everything() if ranking else ():
                label = candidate.recipe.get(slot, "") if slot else f"batch {candidate.batch}"
                same = self._batch(candidate) == batch
                if not label or not candidate.feasible or same != bool(slot):
                    continue
                pays = pay(now, candidate)
                if label not in best or pays > best[label].pays:
                    best[label] = Step(label, slot or "batch", candidate, pays)
            yield from best.values()

    def _batch(self, candidate: Candidate) -> int:
        """Requests in flight; in training the step's samples are the workload's, so that no batch is a step."""
        return 0 if self._workload.trains else candidate.batch

    def _ranking(self, chosen: Mapping[str, str], free: str) -> Ranking | None:
        """Rank the system's candidates with the chosen techniques, one slot free, and no other technique."""
        pinned = [*self._workload.techniques, *chosen.values()]
        names = {normalise(text.partition("=")[0]) for text in pinned} | self._kept
        excluded = [
            technique.name for technique in self._techniques
            if technique.stage not in FREE_STAGES and technique.slot != free
            and names.isdisjoint({normalise(technique.name), *map(normalise, technique.aliases)})
        ]  # fmt: skip
        from advisor.errors import InputError

        workload = self._workload.replace(
            techniques=tuple(pinned), without_techniques=(*self._workload.without_techniques, *excluded)
        )
        try:
            return self._advisor.estimate(self._model, self._on, workload)
        except InputError:
            if not chosen and not free:
                raise
            return None  # the technique does not go with the others here

    @staticmethod
    def _best(ranking: Ranking | None, batch: int | None) -> Candidate | None:
        """The plain model: the first candidate of the least batch; one that breaks a limit where none keeps it."""
        if ranking is None:
            return None
        from advisor.ranking.result import Candidate

        least = min((candidate.batch for candidate in ranking.everything()), default=0)
        found = next((c for c in ranking.everything() if c.batch == least), None)
        if found is None and len(ranking.too_big):
            return Candidate(ranking, 0, None, ranking.too_big)
        return found


def pay(before: Candidate, after: Candidate) -> float:
    """How much better a candidate is, by the user's weights; infinite where the one before does not fit or serve."""
    if not before.feasible:
        return 1e3 + (pay_between(before, after) if before.estimated else 0.0)
    return pay_between(before, after)


def pay_between(before: Candidate, after: Candidate) -> float:
    """The weighted sum of doublings and spans."""
    total = 0.0
    weights = after.ranking.weights
    old = {item.objective.name: item for item in before.ranking.measured}
    for item in after.ranking.measured:
        weight = weights.get(item.objective.aspect, 0.0) if item.objective.aspect else 0.0
        if weight <= 0 or item.objective.name not in old:
            continue
        first, second = old[item.objective.name].at(before.row)[0], item.at(after.row)[0]
        if not (math.isfinite(first) and math.isfinite(second)):
            continue
        total += weight * better(item.objective, first, second)
    return total


def better(objective: Any, first: float, second: float) -> float:
    """Doublings (or spans) by which ``second`` is better than ``first``."""
    sign = 1.0 if objective.direction == "minimize" else -1.0
    if objective.scale == "linear":
        return float(sign * (first - second) / objective.span)
    first, second = first + objective.negligible, second + objective.negligible
    return sign * math.log2(first / second) if first > 0 and second > 0 else 0.0
