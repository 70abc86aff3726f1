"""The grid of a sweep: axes of values and of named tables, and the combination at each position.

::

    keep = 3                                # candidates a combination

    [fixed]                                 # fields of a workload that are the same everywhere
    region = "eu"

    [cross]                                 # fields of a workload, each a list of values to try
    model = ["meta-llama/Llama-3.1-8B", "Qwen/Qwen2.5-7B"]
    request_rate = [1, 4, 16]

    [[constraint]]                          # tables of fields that go together; [[workload]] likewise
    name = "strict"
    max_tpot = "20ms"
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.records import declared, no_such_field
from advisor.workload import Workload, make_workload, read_toml

#: Axes of named tables, outermost after the model.
TABLES = ("workload", "constraint")
KEEP = 3
MOST_KEPT = 1000


@dataclass(frozen=True)
class Axis:
    """Values to try: of the field ``name``, or tables of fields with a label each."""

    name: str
    labels: Sequence[Any]
    fields: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Grid:
    """A cross product. Position 0 has the first value of every axis; the last axis changes fastest."""

    axes: Sequence[Axis]
    fixed: Mapping[str, Any]
    keep: int = KEEP

    def __len__(self) -> int:
        return math.prod(len(axis.labels) for axis in self.axes)

    @property
    def models(self) -> list[str]:
        """Every model of the grid."""
        return list(dict.fromkeys(axis["model"] for axis in self._parts() if "model" in axis))

    def _parts(self) -> list[Mapping[str, Any]]:
        return [self.fixed, *(fields for axis in self.axes for fields in axis.fields)]

    def point(self, position: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The labels of a position, by axis, and its fields, ``model`` among them."""
        labels: dict[str, Any] = {}
        chosen: list[Mapping[str, Any]] = []
        for axis in reversed(self.axes):
            position, place = divmod(position, len(axis.labels))
            labels[axis.name] = axis.labels[place]
            chosen.append(axis.fields[place])
        fields = dict(self.fixed)
        for part in reversed(chosen):
            fields |= part
        return dict(reversed(labels.items())), fields

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which the same grid can be made."""
        axes = [[axis.name, list(axis.labels), [dict(fields) for fields in axis.fields]] for axis in self.axes]
        return {"axes": axes, "fixed": dict(self.fixed), "keep": self.keep}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Grid:
        """The grid of ``to_dict``."""
        return cls([Axis(*axis) for axis in document["axes"]], document["fixed"], document["keep"])

    @property
    def digest(self) -> str:
        """What tells one grid from another."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def read_grid(path: Path) -> Grid:
    """Read a grid from a TOML file; raises ``InputError`` with the file, the field and what is accepted."""
    return make_grid(read_toml(path), str(path), path.parent)


def make_grid(document: Mapping[str, Any], origin: str = "grid", folder: Path | None = None) -> Grid:
    """Make a grid from its TOML document; models are looked for in ``folder`` first."""
    known = ["keep", "fixed", "cross", *TABLES]
    for key in document:
        if key not in known:
            raise InputError(f"{origin}: {key}: {no_such_field(key, known)}")
    keep = document.get("keep", KEEP)
    if not isinstance(keep, int) or isinstance(keep, bool) or not 1 <= keep <= MOST_KEPT:
        raise InputError(f"{origin}: keep: expected a whole number from 1 to {MOST_KEPT}, not {keep!r}")
    fixed = _fields(document.get("fixed", {}), f"{origin}: fixed", folder)
    axes = [_crossed(name, values, origin, folder) for name, values in _table(document, "cross", origin).items()]
    axes += [_tables(kind, document[kind], origin, folder) for kind in TABLES if kind in document]
    axes.sort(key=lambda axis: axis.name != "model")  # outermost, so that a worker reads a model once
    grid = Grid(axes, fixed, keep)
    if "model" not in grid.point(0)[1] or "model" not in grid.point(len(grid) - 1)[1]:
        raise InputError(f'{origin}: model: expected one in [fixed], or a list in [cross]: model = ["model.h5"]')
    for axis in axes:  # each value alone; what only contradicts others is a row of the answer
        for fields in axis.fields:
            make_workload({name: value for name, value in fields.items() if name != "model"}, f"{origin}: {axis.name}")
    return grid


def _table(document: Mapping[str, Any], key: str, origin: str) -> Mapping[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise InputError(f"{origin}: {key}: expected a table, [{key}]")
    return table


def _crossed(name: str, values: Any, origin: str, folder: Path | None) -> Axis:
    name = name.replace("-", "_")
    if not isinstance(values, list) or not values:
        raise InputError(f"{origin}: cross.{name}: expected a list of values, such as {name} = [...]; a field that is "
                         "the same everywhere goes into [fixed]")  # fmt: skip
    fields = [_fields({name: value}, f"{origin}: cross", folder) for value in values]
    return Axis(name, [value if isinstance(value, (str, int, float, bool)) else json.dumps(value) for value in values],
                fields)  # fmt: skip


def _tables(kind: str, tables: Any, origin: str, folder: Path | None) -> Axis:
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{origin}: {kind}: expected tables, [[{kind}]]")
    labels = [str(table.get("name", number)) for number, table in enumerate(tables, start=1)]
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    if repeated is not None:
        raise InputError(f"{origin}: {kind}: two are named {repeated!r}")
    fields = [_fields({name: value for name, value in table.items() if name != "name"}, f"{origin}: {kind}", folder)
              for table in tables]  # fmt: skip
    return Axis(kind, labels, fields)


def _fields(table: Any, origin: str, folder: Path | None) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise InputError(f"{origin}: expected a table")
    known = ["model", *declared(Workload)]
    answer = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise InputError(f"{origin}: {key}: {no_such_field(key, known)}")
        if name == "model" and not isinstance(value, str):
            raise InputError(f"{origin}: model: expected a path or a name, not {value!r}")
        if name == "model" and folder is not None and (folder / value).exists():
            value = str(folder / value)
        answer[name] = [value] if name in _lists() and isinstance(value, str) else value
    return answer


def _lists() -> set[str]:
    """Fields that are lists, of which one may be given without brackets."""
    return {name for name, field in declared(Workload).items() if field.default == ()}
