"""The JSON schema of each kind of catalog file accepts what the catalogs hold, and refuses what it should not hold."""

import json

import msgspec
import pytest

from advisor_catalogs.documents import catalog_root, read_csv, read_toml
from advisor_catalogs.schemas import SCHEMA_KINDS, file_schema

jsonschema = pytest.importorskip("jsonschema")
ROOT = catalog_root()
TOML = {"device": "devices/*.toml", "system": "systems/*.toml", "policy": "policies/*.toml", "grid": "grids.toml",
        "provider": "providers.toml", "facility": "facilities.toml", "charge": "charges.toml",
        "currency": "currencies.toml", "region": "regions.toml", "country": "countries.toml",
        "physics": "physics.toml"}  # fmt: skip
CSV = {"offer": "offers/*.csv", "token_price": "apis.csv", "grid_day": "grid_hours.csv"}


def documents(kind):
    """Plain documents of a kind: whole TOML and JSON files, or rows of CSV."""
    if kind in TOML:
        return [msgspec.to_builtins(read_toml(file)) for file in ROOT.glob(TOML[kind])]
    if kind == "model":
        return [json.loads(file.read_text("utf-8")) for file in (ROOT / "models").glob("index*.json")]
    columns = tuple(file_schema(kind)["properties"])
    required = file_schema(kind)["required"]
    optional = [name for name in columns if name not in required]
    return [row for file in ROOT.glob(CSV[kind]) for _, row in read_csv(file, required, optional, file.name)]


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_what_the_catalog_holds_is_valid(kind):
    validator = jsonschema.Draft202012Validator(file_schema(kind))
    found = documents(kind)
    assert found
    for document in found:
        assert not [error.message for error in validator.iter_errors(document)]


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_what_is_not_a_catalog_is_refused(kind):
    validator = jsonschema.Draft202012Validator(file_schema(kind))
    assert not validator.is_valid({"weather": "fine"})
    assert not validator.is_valid([])
