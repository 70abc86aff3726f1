"""Keep checked catalogs between runs, so that a run costs a few milliseconds and not a parse of TOML."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from advisor.compiled import compiled, file_state
from advisor.devices import Record

_in_process: dict[str, list[Any]] = {}


def cached(kind: str, record: type[Record], root: Path, build: Callable[[], list[Any]]) -> list[Any]:
    """Return records of ``kind``: from this process, from disk if the files are the same, else built."""
    if kind not in _in_process:
        fields = f"{record.__qualname__} {record.__struct_fields__}"
        _in_process[kind] = compiled(kind, lambda: f"{fields}\n{file_state(_data_files(root, kind))}", build,
                                     list[record], str(root))  # type: ignore[valid-type]  # fmt: skip
    return list(_in_process[kind])


def forget() -> None:
    """Drop what this process holds, for tests and after an edit of the catalog."""
    _in_process.clear()


def _data_files(root: Path, kind: str) -> Iterable[str]:
    """The catalog's data and code that a kind depends on: policies stand alone, the others refer to each other."""
    names = ("policies",) if kind == "policy" else ("devices", "systems", "offers")
    for folder in (root, *(root / name for name in names)):
        with os.scandir(folder) as listed:
            names = sorted(item.name for item in listed if item.name.endswith((".toml", ".csv", ".py")))
        yield from (f"{folder}/{name}" for name in names)
