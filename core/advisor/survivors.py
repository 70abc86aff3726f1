"""Candidates block by block: what is kept of each block, so that memory does not grow with their number.

A question of a few hundred thousand candidates is kept whole. Of more, each block leaves those that can still be
shown: the best by the weighted sum, the best of each device and provider and in each objective, and the infeasible
nearest to their limits. The weighted sum of two candidates differs by the same amount whatever the best one is (losses
are logarithms or differences), so what is dropped would not have come further up; a ranker of another kind puts in
order what was kept, and a candidate counts as on the Pareto front that none of those kept dominates, unless the front
was asked for, which then is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.ranking.feasibility import Violation
from advisor.ranking.objectives import Detail, Details, Measured, measured_estimates
from advisor.ranking.ordering import parsimony

#: Candidates that a ranking keeps.
MOST_KEPT = 7 << 14
#: Feasible candidates that are kept for being best in one objective, and the share of infeasible ones.
BEST_OF_EACH = 512
INFEASIBLE_SHARE = 1 / 8


class Evaluated(Struct):
    """Candidates with what was measured of them and the rules that they break."""

    rows: Candidates
    measured: list[Measured]
    violations: list[Violation]
    feasible: Array

    def take(self, positions: Array) -> Evaluated:
        """Some of them, in a table of their own."""
        return Evaluated(
            self.rows.take(positions), [item.take(positions) for item in self.measured],
            [violation.take(positions) for violation in self.violations], self.feasible[positions],
        )  # fmt: skip


DetailOf = Callable[[str, Candidates, Array], Mapping[str, Detail]]


def joined(parts: Sequence[Evaluated], context: Context, detail: DetailOf) -> Evaluated:
    """Evaluated blocks as one. An objective that one of them lacks, because its scorer failed there, is dropped."""
    rows = Candidates.concat([part.rows for part in parts])
    measured = measured_estimates(rows, context)
    for item in parts[0].measured[len(measured) :]:
        same = [next((other for other in part.measured if other.objective.name == item.objective.name), None)
                for part in parts]  # fmt: skip
        found = [other for other in same if other is not None]
        if len(found) == len(parts):
            measured.append(_joined_objective(found, rows, detail))
    rules = dict.fromkeys(violation.rule for part in parts for violation in part.violations)
    return Evaluated(rows, measured, [_joined_rule(rule, parts) for rule in rules],
                     np.concatenate([part.feasible for part in parts]))  # fmt: skip


def _joined_objective(same: Sequence[Measured], rows: Candidates, detail: DetailOf) -> Measured:
    first, scorer = same[0], same[0].scorer
    value = np.concatenate([item.value for item in same])
    if any(item.has_details for item in same):
        details = Details(lambda places: detail(scorer, rows, places))  # must not hold the tables that were joined
        return Measured(first.objective, value, None, None, {}, scorer, details=details)
    parts = [item.parts for item in same]
    names = dict.fromkeys(name for each in parts for name in each)
    return Measured(
        first.objective, value, np.concatenate([item.low for item in same]), np.concatenate([i.high for i in same]),
        {name: np.concatenate([each.get(name, np.full(len(item.value), np.nan))
                               for each, item in zip(parts, same, strict=True)]) for name in names}, first.scorer,
    )  # fmt: skip


def _joined_rule(rule: str, parts: Sequence[Evaluated]) -> Violation:
    """A rule over all blocks; one that a block does not name is broken by none of its candidates."""
    broken, values = [], []
    known: Violation | None = None
    for part in parts:
        found = next((violation for violation in part.violations if violation.rule == rule), None)
        known = known or found
        broken.append(np.zeros(len(part.rows), dtype=bool) if found is None else found.rows)
        values.append(np.full(len(part.rows), np.nan) if found is None or found.value is None else found.value)
    assert known is not None
    value = None if known.value is None else np.concatenate(values)
    total = sum(violation.count for part in parts for violation in part.violations if violation.rule == rule)
    return Violation(rule, np.concatenate(broken), value, known.bound, known.unit, total)


class Survivors:
    """What is kept of the blocks so far. ``weigh`` gives the weight of each objective of a block.

    With ``front`` the Pareto front of the weighted objectives is kept, too: the front of the fronts of blocks is that
    of the whole.
    """

    def __init__(self, context: Context, detail: DetailOf, weigh: Callable[[list[Measured]], Array],
                 most: int | None = MOST_KEPT, front: bool = False) -> None:  # fmt: skip
        self._context = context
        self._detail = detail
        self._weigh = weigh
        self._most = most
        self._front = front
        self._parts: list[Evaluated] = []
        self._held = 0
        self._cutoff = np.inf
        self._levels: dict[str, float] = {}
        self.evaluated = 0
        self.feasible = 0

    def add(self, block: Evaluated) -> None:
        """Take a block in."""
        self.evaluated += len(block.rows)
        self.feasible += int(block.feasible.sum())
        if self._most is not None and np.isfinite(self._cutoff):
            block = self._kept(block)
        self._parts.append(block)
        self._held += len(block.rows)
        if self._most is not None and self._held > self._most:
            whole = self._kept(joined(self._parts, self._context, self._detail), self._most // 2)
            self._parts, self._held = [whole], len(whole.rows)

    @property
    def complete(self) -> bool:
        """Whether every candidate was kept."""
        return self._held == self.evaluated

    def result(self) -> Evaluated | None:
        """All that is kept; None where there was no block."""
        if not self._parts:
            return None
        if len(self._parts) > 1:
            self._parts = [joined(self._parts, self._context, self._detail)]
        return self._parts[0]

    def _kept(self, block: Evaluated, most: int | None = None) -> Evaluated:
        """Those of a block that can still be shown, in an own table; with ``most``, the cutoff is set anew."""
        key, excess = self._keys(block), total_excess(block.violations, len(block.rows))
        good, bad = np.flatnonzero(block.feasible), np.flatnonzero(~block.feasible)
        keep = np.zeros(len(block.rows), dtype=bool)
        if most is not None and len(good) > most:
            self._cutoff = float(np.partition(key[good], most)[most])
        keep[good[key[good] <= self._cutoff]] = True
        few = int((most or len(bad)) * INFEASIBLE_SHARE)
        keep[bad[np.argpartition(excess[bad], few)[:few]] if len(bad) > few else bad] = True
        if len(bad):
            keep[bad[np.argmin(key[bad])]] = True  # what a limit keeps from being first is named
        keep[self._firsts(block.rows, good, key)] = True
        keep[self._firsts(block.rows, bad, excess)] = True
        judged = good if len(good) else bad
        for item, weight in zip(block.measured, self._weigh(block.measured), strict=True):
            if item.objective.aspect and len(judged):
                keep[judged[self._best(item, weight, judged, most is not None)]] = True
        if self._front:
            keep[good[self._front_of(block, good)]] = True
        answer = joined([block.take(np.flatnonzero(keep))], self._context, self._detail)
        answer.rows.compact()  # or the whole block would be held
        return answer

    def _best(self, item: Measured, weight: float, rows: Array, anew: bool) -> Array:
        """Places in ``rows`` of the best in one objective; ``anew`` sets the level that later blocks have to reach.

        The very best is always among them: losses are counted from it.
        """
        level, name = item.level[rows], item.objective.name
        first = np.argmin(level)
        if not weight > 0:
            return np.array([first])
        if anew and len(rows) > BEST_OF_EACH:
            found = np.argpartition(level, BEST_OF_EACH)[:BEST_OF_EACH]
            self._levels[name] = float(level[found].max())
            return np.append(found, first)
        return np.append(np.flatnonzero(level < self._levels.get(name, -np.inf)), first)

    def _front_of(self, block: Evaluated, good: Array) -> Array:
        from advisor.ranking.pareto import pareto_front

        weights = self._weigh(block.measured)
        levels = [item.level[good] for item, weight in zip(block.measured, weights, strict=True) if weight > 0]
        return pareto_front(np.column_stack(levels)) if levels else np.ones(len(good), dtype=bool)

    def _keys(self, block: Evaluated) -> Array:
        """The score by the weighted sum, but for what the best candidate would take off each one's alike."""
        answer = parsimony(block.rows, self._context)
        for item, weight in zip(block.measured, self._weigh(block.measured), strict=True):
            if weight > 0:
                answer += weight * item.level
        return answer

    def _firsts(self, rows: Candidates, positions: Array, key: Array) -> Array:
        """Of each device and provider, the rows of the least key."""
        group = hardware_groups(rows, self._context)[positions]
        least = np.full(int(group.max(initial=-1)) + 1, np.inf)
        np.minimum.at(least, group, key[positions])
        return np.asarray(positions[key[positions] == least[group]])


def hardware_groups(rows: Candidates, context: Context) -> Array:
    """A number for the device and provider of each row."""
    providers = [offer.provider for offer in context.offer_list] + [""]
    codes = {name: code for code, name in enumerate(dict.fromkeys(providers))}
    provider = np.array([codes[name] for name in providers], dtype=np.int64)
    return np.asarray(rows["device"].astype(np.int64) * len(codes) + provider[rows["offer"]])


def total_excess(violations: Sequence[Violation], length: int) -> Array:
    """By what factor each row breaks its limits, over all of them."""
    answer = np.ones(length)
    for violation in violations:
        answer *= violation.excess()
    return answer
