"""Models known by name: an index read at once, each configuration only when it is used.

Each ``models/index*.json`` holds ``sources`` (key to title, url, date) and ``models``: rows of id, document
(the file under ``models/`` that holds its configuration), aliases, licence and source key. A row may
give ``with``: fields that differ from the document's, for variants that share a configuration.
A user's folder needs no index: a configuration that none names is a model whose name is its path below ``models/``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from advisor.devices import Source
from advisor.errors import InputError
from advisor.interfaces import ModelEntry
from advisor.names import normalise
from advisor.records import Checked
from advisor_catalogs.documents import catalog_root, file_name, read_text


class IndexRow(Checked, frozen=True, kw_only=True, rename={"changes": "with"}):
    """One model of an index; ``document`` is its own id unless given, ``source`` a key of the index's sources."""

    id: str
    source: str
    document: str = ""
    aliases: tuple[str, ...] = ()
    licence: str = ""
    changes: dict[str, Any] = msgspec.field(default_factory=dict)


class Index(Checked, frozen=True, kw_only=True):
    """A file ``models/index*.json``."""

    sources: dict[str, Source]
    models: tuple[IndexRow, ...]


class LazyDocument(Mapping[str, Any]):
    """A configuration that is read from the catalog when first looked into."""

    def __init__(self, file: Path, changes: Mapping[str, Any] | None = None) -> None:
        self._file = file
        self._changes = changes or {}

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return {**read_document(self._file), **self._changes}

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"LazyDocument({str(self._file)!r})"


def read_document(file: Path) -> dict[str, Any]:
    """Return a configuration, a JSON object; ``InputError`` for anything else."""
    try:
        loaded = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file_name(file)}: not valid JSON ({error})") from None
    if not isinstance(loaded, dict):
        raise InputError(f"{file_name(file)}: expected a JSON object with a model's configuration")
    return loaded


def read_indexes(root: Path) -> tuple[dict[str, Source], list[IndexRow]]:
    """Return the sources and rows of every index below ``root``."""
    sources: dict[str, Source] = {}
    rows: list[IndexRow] = []
    for file in sorted((root / "models").glob("index*.json")):
        try:
            index = msgspec.json.decode(read_text(file), type=Index)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise InputError(f"{file_name(file)}: {error}") from None
        sources |= index.sources
        rows += index.models
    return sources, rows


def load_models(folder: Path | None = None) -> list[ModelEntry]:
    """Return every model of the catalog or of a user's folder, by id, with aliases, one of them without its maker.

    An alias that two models would share is given to neither.
    """
    root = catalog_root() if folder is None else folder
    sources, rows = read_indexes(root)
    named = {row.document or row.id for row in rows}
    entries: list[tuple[IndexRow, Mapping[str, Source]]] = [(row, {row.source: _source(sources, row)}) for row in rows]
    if folder is not None:
        entries += [found for found in _loose(root / "models") if found[0].id not in named]
    names = [_names(row) for row, _ in entries]
    taken = Counter(name for each in names for name in {normalise(name) for name in each})
    return [
        ModelEntry(
            id=row.id,
            document=LazyDocument(root / "models" / f"{row.document or row.id}.json", row.changes),
            aliases=tuple(name for name in each[1:] if taken[normalise(name)] == 1),
            licence=row.licence,
            sources=dict(cited),
        )
        for (row, cited), each in zip(entries, names, strict=True)
    ]


def _source(sources: Mapping[str, Source], row: IndexRow) -> Source:
    if row.source not in sources:
        raise InputError(f"models index: model {row.id!r}: source: no source {row.source!r}; "
                         f"there are: {', '.join(sources) or 'none'}")  # fmt: skip
    return sources[row.source]


def _loose(folder: Path) -> Iterator[tuple[IndexRow, Mapping[str, Source]]]:
    """Configurations of a user's that no index needs to name: ``models/acme/tiny.json`` is ``acme/tiny``."""
    from datetime import date

    for file in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
        if not (file.parent == folder and file.name.startswith("index")):
            day = date.fromtimestamp(file.stat().st_mtime)
            source = Source(title=f"configuration in {file}", date=day)
            yield IndexRow(id=file.relative_to(folder).with_suffix("").as_posix(), source="file"), {"file": source}


def _names(row: IndexRow) -> list[str]:
    """The id, the aliases, and each without its organisation, in that order and once."""
    given = [row.id, *row.aliases]
    return list(dict.fromkeys([*given, *(name.rpartition("/")[2] for name in given)]))
