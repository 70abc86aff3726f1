"""The program of a fleet as a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from advisor_fleet.program import Program

Array = NDArray[Any]


class Rows:
    """Variables and constraints as a sparse matrix: units, then paid-for units of committed kinds, then flows."""

    def __init__(self, program: Program) -> None:
        self.program = program
        hours, kinds = len(program.weights), len(program.fixed)
        self.kinds = kinds
        committed = np.zeros(kinds, bool) if program.committed is None else program.committed
        divisible = np.zeros(kinds, bool) if program.divisible is None else program.divisible
        self.kept = np.flatnonzero(committed)
        self.hour, self.bucket = np.nonzero(program.demand > 0)
        able = program.capacity > 0
        pairs = [np.flatnonzero(able[:, bucket]) for bucket in self.bucket]  # of each demand, the kinds that take it
        self.kind = np.concatenate(pairs) if pairs else np.zeros(0, int)
        self.of = np.repeat(np.arange(len(pairs)), [len(found) for found in pairs])
        self.flows = hours * kinds + len(self.kept)
        self.size = self.flows + len(self.kind)
        amounts = program.demand[self.hour, self.bucket][self.of]
        self.scale = amounts / (program.slices or 1)

        self.price = np.zeros(self.size)
        per_hour = np.where(committed, 0.0, program.fixed)
        self.price[: hours * kinds] = (program.weights[:, None] * per_hour).ravel()
        self.price[hours * kinds : self.flows] = program.fixed[self.kept]
        if program.flow is not None:
            added = program.flow[self.kind, self.bucket[self.of]] * program.weights[self.hour[self.of]]
            self.price[self.flows :] = added * self.scale
        self.integrality = np.zeros(self.size, dtype=int)
        self.integrality[: hours * kinds] = np.tile(~divisible, hours)
        self.integrality[hours * kinds : self.flows] = 1
        self.integrality[self.flows :] = program.slices is not None
        self.most = np.full(self.size, np.inf)
        if program.slices:
            self.most[self.flows :] = program.slices
        self.limit_rows: dict[str, list[int]] = {}

    def matrix(self) -> tuple[Any, Array, Array]:
        """The constraint matrix with the low and high of each row."""
        from scipy.sparse import coo_array

        program, hours, kinds = self.program, len(self.program.weights), self.kinds
        parts: list[tuple[Array, Array, Array]] = []
        low: list[Array] = []
        high: list[Array] = []

        def add(row: Any, column: Any, value: Any, least: Any, most: Any) -> int:
            start = sum(map(len, low))
            row, column, value = np.broadcast_arrays(np.asarray(row), np.asarray(column), np.asarray(value, float))
            parts.append((row.ravel() + start, column.ravel(), value.ravel()))
            low.append(np.atleast_1d(np.asarray(least, float)))
            high.append(np.atleast_1d(np.asarray(most, float)))
            return start

        flows = self.flows + np.arange(len(self.kind))
        demand = program.demand[self.hour, self.bucket]
        whole = np.ones(len(demand))
        add(self.of, flows, self.scale / demand[self.of], whole, whole)
        hour, bucket = self.hour[self.of], self.bucket[self.of]
        load = self.scale / program.capacity[self.kind, bucket]
        places = np.arange(hours * kinds)
        row = np.concatenate([hour * kinds + self.kind, places])
        add(row, np.concatenate([flows, places]), np.concatenate([load, np.full(hours * kinds, -1.0)]),
            np.full(hours * kinds, -np.inf), np.zeros(hours * kinds))  # fmt: skip
        if len(self.kept):
            count = hours * len(self.kept)
            used = (np.arange(hours)[:, None] * kinds + self.kept).ravel()
            paid = np.tile(hours * kinds + np.arange(len(self.kept)), hours)
            row = np.tile(np.arange(count), 2)
            add(row, np.concatenate([used, paid]), np.repeat([1.0, -1.0], count), np.full(count, -np.inf),
                np.zeros(count))  # fmt: skip
        for _, able, units in program.least:
            able = np.flatnonzero(able)
            row = np.repeat(np.arange(hours), len(able))
            add(row, (np.arange(hours)[:, None] * kinds + able).ravel(), 1.0, np.full(hours, units),
                np.full(hours, np.inf))  # fmt: skip
        for limit in program.limits:
            weights = program.weights if limit.mean else np.ones(hours)
            column = np.concatenate([places, flows])
            value = (weights[:, None] * limit.fixed).ravel()
            added = np.zeros(len(flows)) if limit.flow is None else limit.flow[self.kind, bucket] * self.scale
            value = np.concatenate([value, added * weights[hour]])
            row = np.concatenate([places // kinds, hour])
            count = 1 if limit.mean else hours
            start = add(row * (not limit.mean), column, value, np.full(count, -np.inf), np.full(count, limit.bound))
            self.limit_rows[limit.name] = list(range(start, start + count))
        row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        below, above = np.concatenate(low), np.concatenate(high)
        return coo_array((value, (row, column)), shape=(len(below), self.size)).tocsr(), below, above

    def split(self, answer: Array) -> tuple[Array, Array]:
        """Units (H, J), whole where they must be, and flows (H, J, B) of an answer."""
        program, hours = self.program, len(self.program.weights)
        whole = self.integrality.astype(bool)
        answer = np.where(whole, np.round(answer), answer)
        units = answer[: hours * self.kinds].reshape(hours, self.kinds).copy()
        units[:, self.kept] = answer[hours * self.kinds : self.flows]
        flow = np.zeros((hours, self.kinds, program.demand.shape[1]))
        flow[self.hour[self.of], self.kind, self.bucket[self.of]] = answer[self.flows :] * self.scale
        return units, flow
