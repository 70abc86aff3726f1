"""The smallest changes of limits that would make something feasible where nothing is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from advisor.ranking.feasibility import Violation
from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.result import Ranking

#: Sets of rules to relax together that are named at most.
MOST = 5


def relaxations(ranking: Ranking) -> list[str]:
    """Sentences, the smallest relative change first: limits of which relaxing one would do, else several together."""
    if ranking.feasible_count:
        return []
    if not len(ranking.rows):
        return _memory(ranking)
    violations = [violation for violation in ranking.violations if violation.rows.any()]
    if not violations:
        return []
    broken = np.column_stack([violation.rows for violation in violations])
    excess = np.column_stack([violation.excess() for violation in violations])
    total = np.log2(np.where(broken, np.maximum(excess, 1.0), 1.0)).sum(axis=1)
    fewest = int(broken.sum(axis=1).min())
    found: dict[tuple[int, ...], int] = {}
    nearest_first = np.argsort(total, kind="stable")
    for row in nearest_first[broken[nearest_first].sum(axis=1) == fewest].tolist():
        found.setdefault(tuple(np.flatnonzero(broken[row]).tolist()), row)
    return [_sentence([violations[rule] for rule in rules], row) for rules, row in islice(found.items(), MOST)]


def _sentence(rules: list[Violation], row: int) -> str:
    parts = []
    for rule in rules:
        if rule.value is None or rule.bound is None:
            parts.append(f"without the rule {rule.rule!r}")
        else:
            value, bound = format_quantity(float(rule.value[row]), rule.unit), format_quantity(rule.bound, rule.unit)
            parts.append(f"{rule.rule}: {value} instead of {bound}")
    return f"{' and '.join(parts)} {'together ' if len(rules) > 1 else ''}would do"


def _memory(ranking: Ranking) -> list[str]:
    """Where nothing fits: how much memory the nearest miss lacks."""
    return [f"{reason}: the nearest miss, {candidate.device.name}" for candidate in ranking.infeasible[:1]
            for reason in candidate.reasons]  # fmt: skip
