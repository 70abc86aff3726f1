"""The candidate table: a structure of arrays with declared columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from advisor.columns import COLUMNS, Column
from advisor.errors import PluginError

Array = NDArray[Any]


class Schema(Mapping[str, Column]):
    """The declared columns by name, ``NAME.low`` and ``NAME.high`` of intervals included."""

    def __init__(self, extra: Iterable[Column] = ()) -> None:
        self._columns: dict[str, Column] = {}
        for column in (*COLUMNS, *extra):
            known = self._columns.get(column.name)
            if known is not None and (known.unit, known.dtype) != (column.unit, column.dtype):
                raise PluginError(
                    f"column {column.name!r} is declared as {column.dtype} in {column.unit or 'plain numbers'}, but is "
                    f"known as {known.dtype} in {known.unit or 'plain numbers'}"
                )
            self._columns.setdefault(column.name, column)
            if column.interval:
                self._columns.setdefault(f"{column.name}.low", column)
                self._columns.setdefault(f"{column.name}.high", column)

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


#: Share of a join's rows up to which they are looked up table by table.
FEW = 1 / 16


class Joined(dict[str, Array]):
    """Columns of tables below one another, each joined when it is first read."""

    def __init__(self, tables: Iterable[Candidates]) -> None:
        super().__init__()
        self._tables = [table.copy() for table in tables]
        self._names = dict.fromkeys(name for table in self._tables for name in table.names)
        self._ends = np.cumsum([0, *(len(table) for table in self._tables)])

    def __missing__(self, name: str) -> Array:
        self[name] = joined = np.concatenate([table[name] for table in self._tables])
        joined.flags.writeable = False
        return joined

    def taken(self, name: str, rows: Array | slice) -> Array:
        """Some rows of a column, which is not joined for the sake of a few."""
        if isinstance(rows, slice) or dict.__contains__(self, name) or len(rows) > FEW * self._ends[-1]:
            return self[name][rows]
        answer: Array | None = None
        for place, table in enumerate(self._tables):
            start, end = self._ends[place], self._ends[place + 1]
            here = np.flatnonzero((rows >= start) & (rows < end))
            part = table.take(rows[here] - start)[name]
            answer = np.empty(len(rows), part.dtype) if answer is None else answer
            answer[here] = part
        assert answer is not None
        return answer

    def cell(self, name: str, row: int) -> Any:
        """One value, without joining its column."""
        if dict.__contains__(self, name):
            return self[name][row]
        place = int(np.searchsorted(self._ends, row, side="right")) - 1
        return self._tables[place].value(name, row - int(self._ends[place]))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)


class Candidates:
    """A table of candidates: every column is an array of one length and of its declared dtype.

    A column that was never set reads as its default. Setting one broadcasts a number and refuses an
    undeclared name, a wrong length or a dtype that does not fit. Arrays read from the table are
    read-only: columns are replaced, never changed in place, so that copies may share them.
    """

    __slots__ = ("_columns", "_groups", "_length", "schema")

    def __init__(self, length: int, schema: Schema, columns: Mapping[str, Any] | None = None) -> None:
        self._length = length
        self.schema = schema
        self._columns: dict[str, Array] = {}
        # Columns taken from other tables and not yet looked at: arrays there, and the rows of this table in them.
        self._groups: list[tuple[dict[str, Array], Array | slice]] = []
        for name, value in (columns or {}).items():
            self[name] = value

    def __len__(self) -> int:
        return self._length

    def __contains__(self, name: object) -> bool:
        if name in self._columns:
            return True
        for columns, _ in self._groups:  # noqa: SIM110 (a generator costs more than the search)
            if name in columns:
                return True
        return False

    @property
    def names(self) -> list[str]:
        """Columns that were set."""
        return list(dict.fromkeys([*self._columns, *(name for columns, _ in self._groups for name in columns)]))

    def __getitem__(self, name: str) -> Array:
        found = self._columns.get(name)
        if found is None:
            for columns, rows in self._groups:
                if name in columns:
                    taken: Array = columns.taken(name, rows) if isinstance(columns, Joined) else columns[name][rows]
                    taken.flags.writeable = False
                    self._columns[name] = taken
                    return taken
            column = self._declared(name)
            found = np.full(self._length, column.default, dtype=column.dtype)
            found.flags.writeable = False
            self._columns[name] = found
        return found

    def filled(self) -> dict[str, Array]:
        """The arrays of the columns that were set or read, as they are now."""
        return dict(self._columns)

    def value(self, name: str, row: int) -> Any:
        """One cell, without copying a column that was not read yet."""
        if name not in self._columns:
            for columns, rows in self._groups:
                if name in columns:
                    place = row if isinstance(rows, slice) else rows[row]
                    return columns.cell(name, place) if isinstance(columns, Joined) else columns[name][place]
        return self[name][row]

    def __setitem__(self, name: str, value: Any) -> None:
        column = self._declared(name)
        array = np.asarray(value)
        if array.ndim > 1 or (array.ndim == 1 and len(array) != self._length):
            raise PluginError(f"column {name!r}: expected shape ({self._length},), got {array.shape}")
        if not np.can_cast(array.dtype, column.dtype, casting="same_kind"):
            raise PluginError(f"column {name!r}: expected dtype {column.dtype}, got {array.dtype}")
        full = np.empty(self._length, dtype=column.dtype)
        full[:] = array
        full.flags.writeable = False
        self._columns[name] = full

    def _declared(self, name: str) -> Column:
        try:
            return self.schema[name]
        except KeyError:
            raise PluginError(f"column {name!r} is not declared; declare it in the plugin's 'columns'") from None

    def set_interval(self, name: str, value: Any, low: Any, high: Any) -> None:
        """Set an estimate with the ends of its 80 % interval."""
        if not self._declared(name).interval:
            raise PluginError(f"column {name!r} is not declared as an interval")
        self[name] = value
        self[f"{name}.low"] = low
        self[f"{name}.high"] = high

    def take(self, rows: Any) -> Self:
        """Return the rows of a boolean mask or of positions as a new table; a column is copied when it is read."""
        index = np.asarray(rows)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        answer = type(self)(len(index), self.schema)
        further = [(columns, index if isinstance(rows, slice) else rows[index]) for columns, rows in self._groups]
        answer._groups = [(dict(self._columns), index), *further]
        return answer

    def compact(self) -> Self:
        """Copy what was taken from other tables, which are then no longer held."""
        for name in self.names:
            self[name]
        self._groups = []
        return self

    def copy(self) -> Self:
        """Return a table that shares the arrays, which are never changed in place."""
        answer = type(self)(self._length, self.schema)
        answer._columns = dict(self._columns)
        answer._groups = list(self._groups)
        return answer

    @classmethod
    def concat(cls, tables: list[Self]) -> Self:
        """Join tables of one schema, one below the other; a column is joined when it is read."""
        if len(tables) == 1:
            return tables[0]
        answer = cls(sum(len(table) for table in tables), tables[0].schema)
        answer._groups = [(Joined(tables), slice(None))]
        return answer

    def scatter(self, rows: Array, part: Self, names: Iterable[str]) -> None:
        """Write the named columns of ``part`` into the given positions of this table."""
        for name in names:
            whole = self[name].copy()
            whole[rows] = part[name]
            self[name] = whole
