"""Names that entries use: each means one entry, and what is named exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor_catalogs.documents import catalog_root
from advisor_catalogs.model_entries import load_models
from advisor_catalogs.providers import read_countries, read_regions

Kinds = Mapping[str, Sequence[Any]]


def name_problems(own: Kinds) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for names and aliases of devices and systems that mean two of them."""
    for kind in ("device", "system"):
        seen: dict[str, str] = {}
        for record in own[kind]:
            for name in (record.id, *record.aliases):
                other = seen.setdefault(name.lower(), record.id)
                if other != record.id:
                    yield "duplicates", f"{kind} {record.id}: the name {name!r} is also one of {other}"


def reference_problems(own: Kinds, known: Kinds, root: Path) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for what entries of ``own`` name and neither they nor ``known`` have."""
    ids = {kind: {record.id for record in records} for kind, records in known.items()}
    countries = read_countries(catalog_root()) | read_countries(root)
    regions = [read_regions(catalog_root()), read_regions(root)]
    ids["country"] = set(countries)
    ids["region"] = {f"{provider}/{region}" for table in regions for provider, entry in table.items()
                     if provider != "sources" for region in entry}  # fmt: skip
    areas = {area for code, entry in countries.items() for area in (code.lower(), *entry["names"], *entry["groups"])}
    ids["model"] = {entry.id for folder in {None, None if root == catalog_root() else root}
                    for entry in load_models(folder)}  # fmt: skip
    uses = {"system": {"device": "device"}, "offer": {"system": "system", "grid": "grid"},
            "grid": {"country": "country"}, "charge": {"id": "provider"}, "grid_day": {"id": "grid"},
            "token_price": {"model": "model"}}  # fmt: skip
    for kind, fields in uses.items():
        for record in own[kind]:
            for field, of in fields.items():
                name = getattr(record, field)
                if name and name not in ids[of]:
                    yield "references", f"{kind.replace('_', ' ')} {record.id}: {field}: unknown {of} {name!r}"
    for facility in own["facility"]:
        first, _, second = facility.id.partition("/")
        of = "area" if first == "place" else "region" if second else "provider"
        name = second if of == "area" else facility.id
        if name not in (areas if of == "area" else ids[of]):
            yield "references", f"facility {facility.id}: id: unknown {of} {name!r}"
