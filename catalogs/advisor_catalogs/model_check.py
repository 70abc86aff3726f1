"""Are the models of a catalog as their index says: documents that can be read, sources, names used once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from advisor.errors import InputError
from advisor_catalogs.documents import catalog_root
from advisor_catalogs.model_entries import load_models, read_document, read_indexes

#: A configuration has one of these: a Hugging Face model, or a table of layers.
TELLING = ("model_type", "architectures", "layer_table")


def model_problems(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for what is wrong below ``root/models``."""
    sources, rows = read_indexes(root)
    seen: set[str] = set()
    for row in rows:
        if row.id.lower() in seen:
            yield "duplicates", f"model {row.id}: is in the index twice"
        seen.add(row.id.lower())
        if row.source not in sources:
            yield "sources", f"model {row.id}: source: no source {row.source!r} in the index"
            return
    for entry in load_models(None if root == catalog_root() else root):
        try:
            fields = dict(entry.document)
        except InputError as error:
            yield "schema", f"model {entry.id}: {error}"
            continue
        if not any(name in fields for name in TELLING):
            yield "schema", f"model {entry.id}: its document says no {' or '.join(TELLING)}, so no reader knows it"
    yield from _unused(root, {row.document or row.id for row in rows}) if root == catalog_root() else ()


def _unused(root: Path, named: set[str]) -> Iterator[tuple[str, str]]:
    folder = root / "models"
    for file in folder.rglob("*.json"):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name not in named and not name.startswith("index"):
            read_document(file)
            yield "references", f"models/{name}.json: no model of an index uses it"
