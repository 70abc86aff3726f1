"""Objectives of a question, from estimates and scorers, with the losses that compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


#: Value, low, high and parts of an objective over some rows.
Detail = tuple[Array, Array, Array, Mapping[str, Array]]


class Details:
    """Intervals and parts of a scorer's objectives, computed for the rows that someone looks at."""

    def __init__(self, compute: Callable[[Array], Mapping[str, Detail]]) -> None:
        self._compute = compute
        self._rows: dict[int, Mapping[str, Detail]] = {}
        self._last: tuple[Array, Mapping[str, Detail]] | None = None

    def of(self, name: str, rows: Array) -> Detail | None:
        """Detail of an objective over ``rows``; None where its scorer failed to give it."""
        if len(rows) > 1:  # asked for one objective after the other
            if self._last is None or not np.array_equal(self._last[0], rows):
                self._last = (rows, self._compute(rows))
            return self._last[1].get(name)
        row = int(rows[0])
        if row not in self._rows:
            self._rows[row] = self._compute(np.array([row]))
        return self._rows[row].get(name)


class Measured:
    """An objective with its values over the rows; ``rows`` of them, copied when read.

    Intervals and parts are given, or asked of ``details`` when someone looks at them.
    """

    def __init__(
        self, objective: Objective, value: Array, low: Array | None, high: Array | None, parts: Mapping[str, Array],
        scorer: str = "", rows: Array | None = None, details: Details | None = None,
    ) -> None:  # fmt: skip
        self.objective = objective
        self.scorer = scorer
        self._parts = parts
        self._whole = (value, low, high)
        self._rows = rows
        self._details = details

    def _of(self, end: int, places: Array | None) -> Array | None:
        """Values (0), low (1) or high ends (2) at some places, all by default; None where they are not given."""
        whole = self._whole[end]
        return whole if whole is None or places is None else np.asarray(whole[places])

    def _cell(self, end: int, place: int) -> float | None:
        whole = self._whole[end]
        return None if whole is None else float(whole[place])

    @cached_property
    def value(self) -> Array:
        """The value of every row."""
        found = self._of(0, self._rows)
        assert found is not None
        return found

    @cached_property
    def _ends(self) -> tuple[Array, Array]:
        low, high = self._of(1, self._rows), self._of(2, self._rows)
        if low is not None and high is not None:
            return low, high
        rows = np.arange(len(self.value)) if self._rows is None else self._rows
        found = self._details.of(self.objective.name, rows) if self._details and len(rows) else None
        return (self.value, self.value) if found is None else found[1:3]

    @property
    def low(self) -> Array:
        """The low end of every row's interval."""
        return self._ends[0]

    @property
    def high(self) -> Array:
        """The high end of every row's interval."""
        return self._ends[1]

    def value_at(self, row: int) -> float:
        """The value of one row, without its interval."""
        found = self._cell(0, row if self._rows is None else int(self._rows[row]))
        assert found is not None
        return found

    def at(self, row: int) -> tuple[float, float, float]:
        """Value, low and high of one row."""
        place = row if self._rows is None else int(self._rows[row])
        middle, low, high = self.value_at(row), self._cell(1, place), self._cell(2, place)
        if low is not None and high is not None:
            return middle, low, high
        found = self._details.of(self.objective.name, np.array([place])) if self._details else None
        return (middle, middle, middle) if found is None else (middle, float(found[1][0]), float(found[2][0]))

    @property
    def parts(self) -> dict[str, Array]:
        """What each part adds, over all rows."""
        if self._details is None:
            return {name: np.asarray(part if self._rows is None else part[self._rows])
                    for name, part in self._parts.items()}  # fmt: skip
        rows = np.arange(len(self.value)) if self._rows is None else self._rows
        found = self._details.of(self.objective.name, rows) if len(rows) else None
        return {} if found is None else dict(found[3])

    def parts_at(self, row: int) -> dict[str, float]:
        """What each part adds in one row; empty where the scorer says nothing of parts."""
        place = row if self._rows is None else int(self._rows[row])
        if self._details is None:
            return {name: float(part[place]) for name, part in self._parts.items()}
        found = self._details.of(self.objective.name, np.array([place]))
        return {} if found is None else {name: float(part[0]) for name, part in found[3].items()}

    def ends(self, rows: Array) -> tuple[Array, Array, Array]:
        """Value, low and high of some rows."""
        places = rows if self._rows is None else self._rows[rows]
        value, low, high = (None if column is None else np.asarray(column, dtype=float)
                            for column in (self._of(end, places) for end in range(3)))  # fmt: skip
        assert value is not None
        if low is not None and high is not None:
            return value, low, high
        found = self._details.of(self.objective.name, places) if self._details and len(places) else None
        return (value, value, value) if found is None else (value, *found[1:3])

    @property
    def has_details(self) -> bool:
        """Whether intervals and parts are asked for when someone looks."""
        return self._details is not None

    @property
    def level(self) -> Array:
        """How bad each value is, on the scale of the losses but from no fixed zero; what is unknown is worst."""
        value = np.asarray(self.value, dtype=float)
        sign = 1.0 if self.objective.direction == "minimize" else -1.0
        if self.objective.scale == "linear":
            level = sign * value / self.objective.span
        else:
            level = sign * np.log2(np.maximum(value + self.objective.negligible, np.finfo(float).tiny))
        return np.where(np.isnan(level), np.inf, level)

    @property
    def is_estimate(self) -> bool:
        """Whether it is a backend's estimate, which scorers and techniques did not make."""
        return self.objective.name in _ESTIMATED

    def take(self, rows: Array) -> Measured:
        """Return the rows of a mask or of positions."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index
        return self._at_places(index if self._rows is None else self._rows[index])

    def _at_places(self, places: Array) -> Measured:
        return Measured(self.objective, *self._whole, self._parts, self.scorer, places, self._details)

    def losses(self, feasible: Array) -> Array:
        """How much worse each row is than the best feasible one: 0 at the best, 1 at twice as bad.

        On a linear scale ``span`` counts as twice as bad. NaN (unknown) counts as the worst known.
        """
        value = np.asarray(self.value, dtype=float)
        finite = np.isfinite(value)
        known = feasible & finite
        if not known.any():
            return np.zeros(len(value))
        sign = 1.0 if self.objective.direction == "minimize" else -1.0
        if self.objective.scale == "linear":
            best = np.min(sign * value, where=known, initial=np.inf)
            loss = (sign * value - best) / self.objective.span
        else:
            positive = value + self.objective.negligible
            lowest = np.min(positive, where=known & (positive > 0), initial=np.inf)
            floor = lowest if np.isfinite(lowest) else 1.0
            loss = np.log2(np.maximum(positive, max(floor, np.finfo(float).tiny) * 2.0**-10))
            loss *= sign
            loss -= np.min(loss, where=known, initial=np.inf)
        if finite.all():
            return np.asarray(loss)
        return np.asarray(np.where(np.isfinite(loss), loss, np.max(loss, where=known, initial=-np.inf)))


class Estimated(Measured):
    """An estimate: columns of a table, copied when read."""

    def __init__(self, objective: Objective, table: Candidates, rows: Array | None = None) -> None:
        nothing = np.zeros(0)
        super().__init__(objective, nothing, None, None, {}, rows=rows)
        name = objective.name
        self._table = table
        self._names = (name, f"{name}.low", f"{name}.high") if f"{name}.low" in table else (name,) * 3

    def _of(self, end: int, places: Array | None) -> Array:
        return (self._table if places is None else self._table.take(places))[self._names[end]]

    def _cell(self, end: int, place: int) -> float:
        return float(self._table.value(self._names[end], place))

    def _at_places(self, places: Array) -> Measured:
        return Estimated(self.objective, self._table, places)


def measured_estimates(rows: Candidates, context: Context) -> list[Measured]:
    """The estimate objectives that backends filled for these rows."""
    return [Estimated(objective, rows) for objective in estimate_objectives(context)
            if objective.name in rows or objective.name == "quality"]  # fmt: skip
