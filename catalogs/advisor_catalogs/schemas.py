"""JSON schemas of catalog files, for editors and for those who write their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from advisor.devices import Link, Source
from advisor_catalogs import apis, grid_hours
from advisor_catalogs.loading import KINDS, PLURALS, record_type
from advisor_catalogs.model_entries import Index
from advisor_catalogs.offer_files import OPTIONAL, REQUIRED, TERMS
from advisor_catalogs.providers import Region

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_KINDS = (*KINDS, "region", "country", "model", "physics")
NUMBER = r"^[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?$"

Schema = dict[str, Any]


def json_schemas() -> dict[str, Schema]:
    """Return kind of entry to the schema of a file of such entries; of kinds in CSV, of one row."""
    return {kind: file_schema(kind) for kind in SCHEMA_KINDS}


def file_schema(kind: str) -> Schema:
    """Return the schema of a catalog file of that kind, one of ``SCHEMA_KINDS``, as the loader reads it."""
    apart = {"offer": _offer_row, "token_price": _token_price_row, "grid_day": _grid_day_row, "region": _regions,
             "country": _countries, "model": _models, "physics": _physics}  # fmt: skip
    if kind in apart:
        return apart[kind]()
    record, others = _plain_with_others(record_type(kind))
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


def _countries() -> Schema:
    area = {"type": "string", "pattern": "^[a-z][a-z-]*$"}
    lists = {name: {"type": "array", "items": area} for name in ("names", "groups")}
    return {
        "$schema": DIALECT,
        "title": "countries.toml: ISO 3166-1 code to what a region filter accepts for it",
        "type": "object",
        "propertyNames": {"pattern": "^[A-Z]{2}$"},
        "additionalProperties": {"type": "object", "properties": lists, "required": list(lists),
                                 "additionalProperties": False},
    }  # fmt: skip


def _models() -> Schema:
    index, others = _plain_with_others(Index)
    return {"$schema": DIALECT, **index, "title": "models/index*.json: models known by name", "$defs": others}


def _physics() -> Schema:
    rates = {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 1}
    return {
        "$schema": DIALECT,
        "title": "physics.toml: family to format to the operations of one unit in one cycle",
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": rates},
    }


def _token_price_row() -> Schema:
    """One row of ``apis.csv``."""
    return _row("row of apis.csv", apis.COLUMNS, (), {"input_usd_per_million", "output_usd_per_million"})


def _grid_day_row() -> Schema:
    """One row of ``grid_hours.csv``."""
    schema = _row("row of grid_hours.csv", grid_hours.COLUMNS, grid_hours.OPTIONAL, set(grid_hours.HOURS))
    schema["properties"]["year"] = {"type": "string", "pattern": "^20[0-9]{2}$"}
    return schema


def _offer_row() -> Schema:
    """One row of ``offers/*.csv``: cells are text, and an empty one says nothing."""
    schema = _row("row of offers/*.csv", REQUIRED, OPTIONAL, set())
    for name in ("price_usd_per_hour", "purchase_usd", "max_systems"):
        schema["properties"][name] = {"type": "string", "pattern": f"{NUMBER}|^$"}
    schema["properties"]["term"] = {"enum": list(TERMS)}
    schema["properties"]["confidential_computing"] = {"enum": ["", "yes", "no", "true", "false", "1", "0"]}
    return schema


def _row(title: str, required: Sequence[str], optional: Sequence[str], numbers: set[str]) -> Schema:
    """A row of a CSV file as text by column."""
    columns: Schema = {name: {"type": "string"} for name in (*required, *optional)}
    columns |= {name: {"type": "string", "pattern": NUMBER} for name in numbers}
    columns["date"] = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                       "description": "day the figure was published or read"}  # fmt: skip
    return {"$schema": DIALECT, "title": title, "type": "object", "properties": columns,
            "required": list(required), "additionalProperties": False}  # fmt: skip
