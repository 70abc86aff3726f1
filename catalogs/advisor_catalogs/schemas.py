"""JSON schemas of catalog files, for editors and for those who write their own."""

from __future__ import annotations

from typing import Any

import msgspec

from advisor.devices import Link, Source
from advisor_catalogs.loading import KINDS, PLURALS
from advisor_catalogs.offer_files import OPTIONAL, REQUIRED, TERMS
from advisor_catalogs.providers import Region

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_KINDS = (*KINDS, "region")

Schema = dict[str, Any]


def json_schemas() -> dict[str, Schema]:
    """Return kind of entry to the schema of a file of such entries, but for offers: that is of one row of its CSV."""
    return {kind: file_schema(kind) for kind in SCHEMA_KINDS}


def file_schema(kind: str) -> Schema:
    """Return the schema of a catalog file of that kind, one of ``SCHEMA_KINDS``, as the loader reads it."""
    if kind == "offer":
        return _offer_row()
    if kind == "region":
        return _regions()
    record, others = _plain_with_others(KINDS[kind])
    definitions = {**others, "SharedLink": _shared_link(), "Source": _plain(Source)}
    properties = record["properties"]
    properties["sources"] = {"oneOf": [
        {"type": "array", "items": {"type": "string"}, "description": "keys of [sources] of this file"},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/Source"}},
    ]}  # fmt: skip
    for figure in ("link", "network"):
        if figure in properties:
            properties[figure] = {"oneOf": [{"type": "string", "description": "key of [links] of this file"},
                                            {"$ref": "#/$defs/Link"}]}  # fmt: skip
    return {
        "$schema": DIALECT,
        "title": f"catalog file of {PLURALS.get(kind, kind + 's')}",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "sources": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Source"}},
            "methods": {"type": "object", "additionalProperties": {"type": "string"}},
            "links": {"type": "object", "additionalProperties": {"$ref": "#/$defs/SharedLink"}},
            kind: {"type": "array", "items": {"$ref": f"#/$defs/{record['title']}"}},
        },
        "$defs": {**definitions, record["title"]: record},
    }


def _plain(model: type[msgspec.Struct]) -> Schema:
    return _plain_with_others(model)[0]


def _plain_with_others(model: type[msgspec.Struct]) -> tuple[Schema, dict[str, Schema]]:
    """The schema of one record, and those of the records in it by name."""
    _, components = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    others: dict[str, Schema] = msgspec.json.decode(msgspec.json.encode(components))  # tuples to lists
    return others.pop(model.__name__), others


def _shared_link() -> Schema:
    """A link under ``[links]``: it may say how its latency was estimated."""
    schema = _plain(Link)
    schema["title"] = "SharedLink"
    schema["properties"]["latency_method"] = {"type": "string", "description": "key of [methods], or a text"}
    return schema


def _regions() -> Schema:
    region = _plain(Region)
    return {
        "$schema": DIALECT,
        "title": "regions.toml: provider to region to what is known of it",
        "type": "object",
        "properties": {"sources": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Source"}}},
        "additionalProperties": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Region"}},
        "$defs": {"Region": region, "Source": _plain(Source)},
    }


def _offer_row() -> Schema:
    """One row of ``offers/*.csv``: cells are text, and an empty one says nothing."""
    numbers = {"price_usd_per_hour", "purchase_usd", "max_systems"}
    columns: Schema = {name: {"type": "string"} for name in REQUIRED + OPTIONAL}
    columns |= {name: {"type": "string", "pattern": r"^([0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?)?$"} for name in numbers}
    columns["term"] = {"enum": list(TERMS)}
    columns["date"] = {"type": "string", "format": "date", "description": "day the price was published or read"}
    columns["confidential_computing"] = {"enum": ["", "yes", "no", "true", "false", "1", "0"]}
    return {"$schema": DIALECT, "title": "row of offers/*.csv", "type": "object", "properties": columns,
            "required": list(REQUIRED), "additionalProperties": False}  # fmt: skip
