"""The smallest changes of limits that would make something feasible where nothing is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from advisor.ranking.feasibility import Violation
from advisor.ranking.sensitivity import bisected
from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.result import Ranking

#: Sets of rules to relax together that are named at most.
MOST = 5
#: Relative width to which a limit is bisected.
CLOSE = 0.05


def relaxations(ranking: Ranking, ask_again: bool = False) -> list[str]:
    """Sentences, the smallest relative change first: limits of which relaxing one would do, else several together.

    They are what the candidates have as they were planned for the limits given. Where traffic is
    shared out, a candidate is planned otherwise for another limit: with ``ask_again`` the smallest
    relaxation of a single limit is sought by ranking again.
    """
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
    ask_again = ask_again and ranking.context.workload.request_rate is not None
    answer = []
    for rules, row in islice(found.items(), MOST):
        parts = [_part(ranking, violations[rule], row, ask_again and len(rules) == 1) for rule in rules]
        answer.append(f"{' and '.join(parts)} {'together ' if len(rules) > 1 else ''}would do")
    return answer


def _part(ranking: Ranking, rule: Violation, row: int, ask_again: bool) -> str:
    if rule.value is None or rule.bound is None:
        return f"without the rule {rule.rule!r}"
    value = float(rule.value[row])
    if ask_again and value > 0 and rule.bound > 0:
        value = bisected(lambda bound: _feasible_at(ranking, rule.rule, bound), rule.bound, value, CLOSE)
    return f"{rule.rule}: {format_quantity(value, rule.unit)} instead of {format_quantity(rule.bound, rule.unit)}"


def _feasible_at(ranking: Ranking, name: str, bound: float) -> bool:
    """Whether anything is feasible with another bound on one objective."""
    from advisor.engine import rank

    context = ranking.context
    field = next(item.objective.limited_by for item in ranking.measured if item.objective.name == name)
    if name in context.workload.limits:
        workload = context.workload.replace(limits={**context.workload.limits, name: bound})
    else:
        workload = context.workload.replace(**{field: bound})
    other = context.changed(workload=workload, warnings=[], left_out={})
    return rank(other, ranking.registry).feasible_count > 0


def _memory(ranking: Ranking) -> list[str]:
    """Where nothing fits: how much memory the nearest miss lacks."""
    return [f"{reason}: the nearest miss, {candidate.device.name}" for candidate in ranking.infeasible[:1]
            for reason in candidate.reasons]  # fmt: skip
