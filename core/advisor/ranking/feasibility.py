"""Constraints: every infeasible candidate gets its reasons."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from advisor.candidates import Array
from advisor.context import Context
from advisor.errors import UnknownNameError
from advisor.ranking.objectives import Measured
from advisor.units import format_quantity


class Violation(Struct):
    """Rows that break one rule. ``value`` and ``bound`` are there for numeric limits.

    ``total`` counts all that broke it, where not all of them were kept.
    """

    rule: str
    rows: Array
    value: Array | None = None
    bound: float | None = None
    unit: str = ""
    total: int | None = None

    @property
    def count(self) -> int:
        """Candidates that break the rule."""
        return int(self.rows.sum()) if self.total is None else self.total

    def take(self, rows: Array) -> Violation:
        """The rule over some rows; it still counts all."""
        value = None if self.value is None else self.value[rows]
        return Violation(self.rule, self.rows[rows], value, self.bound, self.unit, self.count)

    def reason(self, row: int) -> str:
        """Write the reason for one row."""
        if self.value is None or self.bound is None:
            return self.rule
        value = format_quantity(float(self.value[row]), self.unit)
        return f"{self.rule}: {value}, limit {format_quantity(self.bound, self.unit)}"

    def excess(self) -> Array:
        """By what factor each row breaks the limit; 2 where the rule has no number."""
        if self.value is None or self.bound is None:
            return np.where(self.rows, 2.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(np.log2(self.value / self.bound))
        return np.where(self.rows, 1.0 + np.nan_to_num(ratio, nan=1.0, posinf=1e3), 1.0)


def bounds(measured: list[Measured], context: Context) -> dict[str, float]:
    """The limit of each objective that has one: the workload's own, and its ``limits`` by name."""
    answer: dict[str, float] = {}
    by_name = {item.objective.name: item for item in measured}
    for item in measured:
        field = item.objective.limited_by
        bound = getattr(context.workload, field, None) if field else None
        if bound is not None:
            answer[item.objective.name] = float(bound)
    for name, bound in context.workload.limits.items():
        if name not in by_name:
            raise UnknownNameError("limit", name, by_name)
        answer[name] = float(bound)
    return answer


def limit_violations(measured: list[Measured], context: Context) -> list[Violation]:
    """Check the limits against the objectives."""
    by_name = {item.objective.name: item for item in measured}
    answer = []
    for name, bound in bounds(measured, context).items():
        item = by_name[name]
        lower_is_better = item.objective.direction == "minimize"
        broken = item.value > bound if lower_is_better else item.value < bound
        broken = broken | ~np.isfinite(item.value)
        answer.append(Violation(name, broken, item.value, bound, item.objective.unit))
    return answer


def feasible_rows(violations: list[Violation], length: int) -> Array:
    """Rows that break no rule."""
    answer = np.ones(length, dtype=bool)
    for violation in violations:
        answer &= ~violation.rows
    return answer
