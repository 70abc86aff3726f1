"""Objectives of a question, from estimates and scorers, with the losses that compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import CHOICE, ESTIMATES
from advisor.context import Context
from advisor.interfaces import Objective

#: Objectives that are columns of the table: what backends and techniques estimate.
_ESTIMATED = {column.name for column in ESTIMATES}
_LINEAR = {"quality": 0.1}
_NEGLIGIBLE = {"run_time": 30.0, "request_latency": 0.01}


def estimate_objectives(context: Context) -> list[Objective]:
    """Estimates that serve an aspect, or can be limited, in this task."""
    answer = []
    for column in (*CHOICE, *ESTIMATES):
        aspect = next((word for task, word in column.aspects if task in ("*", context.workload.task)), "")
        if column.interval:
            scale = "linear" if column.name in _LINEAR else "ratio"
            answer.append(
                Objective(column.name, column.unit, column.direction, column.doc, aspect, column.limited_by,
                          scale, _LINEAR.get(column.name, 1.0), _NEGLIGIBLE.get(column.name, 0.0),  # type: ignore[arg-type]
                          "recipe" if column.stage == "choice" else "device")
            )  # fmt: skip
    return answer


class TakenParts(Mapping[str, Array]):
    """Some rows of the parts of an objective, copied when they are read."""

    def __init__(self, parts: Mapping[str, Array], rows: Array) -> None:
        self._parts, self._rows = parts, rows

    def __getitem__(self, name: str) -> Array:
        return np.asarray(self._parts[name][self._rows])

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


class Measured:
    """An objective with its values over the rows, and what each part adds; ``rows`` of them, copied when read."""

    def __init__(
        self, objective: Objective, value: Array, low: Array, high: Array, parts: Mapping[str, Array],
        scorer: str = "", rows: Array | None = None,
    ) -> None:  # fmt: skip
        self.objective = objective
        self.scorer = scorer
        self.parts = parts
        self._whole = (value, low, high)
        self._rows = rows

    def _end(self, end: int) -> Array:
        whole = self._whole[end]
        return whole if self._rows is None else np.asarray(whole[self._rows])

    @cached_property
    def value(self) -> Array:
        """The value of every row."""
        return self._end(0)

    @cached_property
    def low(self) -> Array:
        """The low end of every row's interval."""
        return self._end(1)

    @cached_property
    def high(self) -> Array:
        """The high end of every row's interval."""
        return self._end(2)

    def at(self, row: int) -> tuple[float, float, float]:
        """Value, low and high of one row."""
        place = row if self._rows is None else self._rows[row]
        value, low, high = (float(whole[place]) for whole in self._whole)
        return value, low, high

    def ends(self, rows: Array) -> tuple[Array, Array, Array]:
        """Value, low and high of some rows."""
        places = rows if self._rows is None else self._rows[rows]
        value, low, high = (np.asarray(whole[places], dtype=float) for whole in self._whole)
        return value, low, high

    @property
    def is_estimate(self) -> bool:
        """Whether it is a backend's estimate, which scorers and techniques did not make."""
        return self.objective.name in _ESTIMATED

    def take(self, rows: Array) -> Measured:
        """Return the rows of a mask or of positions."""
        places = rows if self._rows is None else self._rows[rows]
        return Measured(self.objective, *self._whole, TakenParts(self.parts, rows), self.scorer, places)

    def losses(self, feasible: Array) -> Array:
        """How much worse each row is than the best feasible one: 0 at the best, 1 at twice as bad.

        On a linear scale ``span`` counts as twice as bad. NaN (unknown) counts as the worst known.
        """
        value = np.asarray(self.value, dtype=float)
        known = feasible & np.isfinite(value)
        if not known.any():
            return np.zeros(len(value))
        sign = 1.0 if self.objective.direction == "minimize" else -1.0
        if self.objective.scale == "linear":
            best = (sign * value[known]).min()
            loss = (sign * value - best) / self.objective.span
        else:
            positive = np.maximum(value + self.objective.negligible, np.finfo(float).tiny)
            above = known & (value + self.objective.negligible > 0)
            floor = positive[above].min() if above.any() else 1.0
            logs = sign * np.log2(np.maximum(positive, floor * 2.0**-10))
            loss = logs - logs[known].min()
        worst = loss[known].max()
        return np.asarray(np.where(np.isfinite(loss), loss, worst))


def measured_estimates(rows: Candidates, context: Context) -> list[Measured]:
    """The estimate objectives that backends filled for these rows."""
    answer = []
    for objective in estimate_objectives(context):
        name = objective.name
        if name in rows or name == "quality":
            low, high = (rows[f"{name}.low"], rows[f"{name}.high"]) if f"{name}.low" in rows else (rows[name],) * 2
            answer.append(Measured(objective, rows[name], low, high, {}))
    return answer
