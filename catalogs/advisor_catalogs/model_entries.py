"""Models known by name: an index read at once, each configuration only when it is used.

Each ``models/index*.json`` holds ``sources`` (key to title, url, date) and ``models``: rows of id, document
(the file under ``models/`` that holds its configuration), aliases, licence and source key. A row may
give ``with``: fields that differ from the document's, for variants that share a configuration.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from advisor.devices import Source
from advisor.interfaces import ModelEntry
from advisor.names import normalise
from advisor_catalogs.documents import catalog_root, read_text


class LazyDocument(Mapping[str, Any]):
    """A configuration that is read from the catalog when first looked into."""

    def __init__(self, file: str, changes: Mapping[str, Any] | None = None) -> None:
        self._file = file
        self._changes = changes or {}

    @cached_property
    def _fields(self) -> dict[str, Any]:
        loaded = json.loads(read_text(catalog_root() / "models" / f"{self._file}.json"))
        return {**loaded, **self._changes}

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"LazyDocument({self._file!r})"


def load_models() -> list[ModelEntry]:
    """Return every model of the catalog, by id, with aliases; a name without its organisation is one too.

    An alias that two models would share is given to neither.
    """
    folder = catalog_root() / "models"
    index_files = sorted((entry for entry in folder.iterdir() if entry.name.startswith("index") and entry.is_file()),
                         key=lambda entry: entry.name)  # fmt: skip
    sources: dict[str, Source] = {}
    rows: list[dict[str, Any]] = []
    for entry in index_files:
        index = json.loads(read_text(entry))
        sources |= {key: Source(**fields) for key, fields in index["sources"].items()}
        rows += index["models"]
    names = [_names(row) for row in rows]
    taken = Counter(name for each in names for name in {normalise(name) for name in each})
    return [
        ModelEntry(
            id=row["id"],
            document=LazyDocument(row.get("document", row["id"]), row.get("with")),
            aliases=tuple(name for name in each[1:] if taken[normalise(name)] == 1),
            licence=row.get("licence", ""),
            sources={row["source"]: sources[row["source"]]},
        )
        for row, each in zip(rows, names, strict=True)
    ]


def _names(row: Mapping[str, Any]) -> list[str]:
    """The id, the aliases, and each without its organisation, in that order and once."""
    given = [row["id"], *row.get("aliases", ())]
    return list(dict.fromkeys([*given, *(name.rpartition("/")[2] for name in given)]))
