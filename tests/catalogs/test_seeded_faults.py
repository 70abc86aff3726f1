"""A fault in any file of the catalogs is found by ``advisor catalog check``: a copy with one mistake in it each."""

import json
import shutil
from datetime import date

import pytest

from advisor_catalogs import (
    cache,
    check,
    documents,
    loading,
    model_check,
    model_entries,
    offer_files,
    physics,
    places,
    references,
)
from advisor_catalogs.check import problems_by_check

TODAY = date(2026, 11, 25)

#: File, text to replace (once), the text in its place, the check that finds it, and words of the line.
FAULTS = [
    ("devices/nvidia_datacenter.toml", "memory_gib = 80", "memory_gibs = 80", "schema", "memory_gibs"),
    ("devices/nvidia_datacenter.toml", "memory_bandwidth_gb_per_s = 3352", "memory_bandwidth_gb_per_s = 3.352",
     "ranges", "memory_bandwidth_gb_per_s: 3.352"),
    ("devices/nvidia_datacenter.toml", "memory_bandwidth_gb_per_s = 3352", "memory_bandwidth_gb_per_s = 33520",
     "physics", "transfer rate"),
    ("systems/clouds.toml", 'device = "nvidia-h100-sxm-80gb"', 'device = "nvidia-h1000"', "references",
     "nvidia-h1000"),
    ("systems/clouds.toml", "host_memory_gib = 2048", "host_memory_gib = 2097152", "ranges", "host_memory_gib"),
    ("offers/aws.csv", "aws,", "asw,", "schema", "did you mean aws"),
    ("offers/lambda.csv", ",4.29,", ",429,", "prices", "not plausible"),
    ("offers/lambda.csv", ",2026-09-20", ",2021-09-20", "age", "too old for on-demand"),
    ("offers/lambda.csv", ",2026-09-20", ",2027-09-20", "age", "yet to come"),
    ("providers.toml", 'id = "gcp"', 'id = "aws"', "duplicates", "already in"),
    ("providers.toml", 'sources = ["lambda"]', "", "sources", "provider lambda: no source"),
    ("regions.toml", 'country = "ZA"', 'country = "ZZ"', "references", "unknown country 'ZZ'"),
    ("regions.toml", 'grid = "ZA"', "grid = 5", "schema", "expected text"),
    ("regions.toml", "place =", "plaza =", "schema", "plaza: not a field"),
    ("countries.toml", "[\"austria\"]", "[\"Austria\"]", "schema", "small letters"),
    ("countries.toml", "[\"austria\"]", "[\"belgium\"]", "duplicates", "'belgium' is also one of AT"),
    ("countries.toml", "AT = ", "AUT = ", "schema", "two capital letters"),
    ("facilities.toml", "pue = 1.14", "pue = 0.14", "ranges", "pue: 0.14"),
    ("facilities.toml", "carbon_free_share = 0.94", "carbon_free_share = 94", "schema", "carbon_free_share"),
    ("facilities.toml", 'id = "aws/us-east-1"', 'id = "aws/us-east-9"', "references", "unknown region"),
    ("facilities.toml", 'id = "place/eu"', 'id = "place/atlantis"', "references", "unknown area 'atlantis'"),
    ("facilities.toml", 'id = "aws/us-east-2"', 'id = "aws/us-east-1"', "duplicates", "already in"),
    ("facilities.toml", "date = 2021-06-24", "date = 2011-06-24", "age", "too old for facility"),
    ("charges.toml", "egress_usd_per_gb = 0.087", "egress_usd_per_gb = 87", "ranges", "egress_usd_per_gb: 87"),
    ("charges.toml", 'id = "vultr"', 'id = "vulture"', "references", "unknown provider 'vulture'"),
    ("charges.toml", "storage_usd_per_gb_month = 0.29", "storage_usd_per_tb_month = 0.29", "schema",
     "storage_usd_per_tb"),
    ("charges.toml", 'sources = ["crusoe"]', "", "sources", "charge crusoe: no source"),
    ("apis.csv", "\nMiniMaxAI/MiniMax-M2.5,", "\nMiniMaxAI/MiniMax-M25,", "references", "unknown model"),
    ("apis.csv", ",0.3,1.2,", ",0.3,12000,", "ranges", "output_usd_per_million: 12000"),
    ("apis.csv", ",0.3,1.2,", ",0.3,cheap,", "schema", "cheap"),
    ("apis.csv", ",0.3,1.2,", ",1.2,0.3,", "prices", "cheaper than input"),
    ("apis.csv", "model,provider", "model,vendor", "schema", "'provider'"),
    ("apis.csv", ",2026-11-25", ",2024-11-25", "age", "too old for token_price"),
    ("grids.toml", "intensity_g_per_kwh = 342", "intensity_g_per_kwh = 3420", "ranges", "intensity_g_per_kwh: 3420"),
    ("grids.toml", 'country = "FR"', 'country = "FX"', "references", "unknown country 'FX'"),
    ("grids.toml", "year = 2025", "year = 2016", "age", "too old for grid"),
    ("grid_hours.csv", "DE,2024,1.07", "DE,2024,10.7", "physics", "their mean is"),
    ("grid_hours.csv", "DE,2024,1.07", "DD,2024,1.07", "references", "unknown grid 'DD'"),
    ("grid_hours.csv", "DE,2024,1.07", "DE,2024,-1", "schema", "shares"),
    ("grid_hours.csv", "DE,2024,", "DE,2014,", "ranges", "year: 2014"),
    ("currencies.toml", "per_usd = 0.895095", "per_usd = -0.9", "schema", "per_usd"),
    ("currencies.toml", "per_usd = 0.895095", "per_usd = 0.000895", "ranges", "per_usd: 0.000895"),
    ("currencies.toml", 'id = "GBP"', 'id = "EUR"', "duplicates", "already in"),
    ("currencies.toml", "date = 2026-10-30", "date = 2024-10-30", "age", "too old for currency"),
    ("physics.toml", "[Volta]", "[Voltage]", "references", "family 'Voltage'"),
    ("physics.toml", "fp16 = [1024]", "fp16 = [0]", "schema", "above 0"),
    ("physics.toml", "fp32 = [384]", "fp32 = [38]", "physics", "units x clock"),
    ("policies/european_union.toml", "hard = true", "hard = true\npoints = 5", "ranges", "points"),
    ("policies/european_union.toml", "kind = ", "kinds = ", "schema", "kinds"),
    ("models/index.json", '"source":', '"sauce":', "schema", "sauce"),
    ("models/timm/densenet121.json", '"layer_table"', '"layers"', "schema", "no reader knows it"),
    ("models/meta-llama/Llama-3.2-1B.json", "{", "[", "schema", "not valid JSON"),
]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A copy of all data files of the built-in catalogs."""
    copy = tmp_path_factory.mktemp("catalogs") / "copy"
    shutil.copytree(documents.catalog_root(), copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


@pytest.fixture
def built_in(whole, monkeypatch):
    """Check that copy as if it were the built-in catalogs."""
    for module in (documents, loading, model_entries, model_check, offer_files, physics, places, check, references):
        monkeypatch.setattr(module, "catalog_root", lambda: whole)
    cache.forget()
    physics.operations_per_cycle.cache_clear()
    yield whole
    physics.operations_per_cycle.cache_clear()


def test_the_copy_as_it_is_has_no_problem(built_in):
    assert not any(problems_by_check(None, TODAY).values())


@pytest.mark.parametrize(("file", "old", "new", "found_by", "words"), FAULTS, ids=[f"{f[0]}: {f[2]}" for f in FAULTS])
def test_a_fault_is_found(built_in, file, old, new, found_by, words):
    path = built_in / file
    sound = path.read_text("utf-8")
    assert old in sound
    path.write_text(sound.replace(old, new, 1), "utf-8")
    try:
        problems = problems_by_check(None, TODAY)
    finally:
        path.write_text(sound, "utf-8")
    assert any(words in line for line in problems[found_by]), problems
    assert all("\n" not in line for lines in problems.values() for line in lines)


def test_every_kind_of_file_has_a_fault(whole):
    files = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    kinds = {name.partition("/")[0] for name in files} - {"comparisons"}  # of `advisor catalog compare`
    assert kinds == {file.partition("/")[0] for file, *_ in FAULTS}


def test_a_model_that_no_index_names_and_a_source_that_is_not_there(built_in):
    stray = built_in / "models" / "stray.json"
    stray.write_text("{}")
    index = built_in / "models" / "index.json"
    sound = index.read_text("utf-8")
    listed = json.loads(sound)
    listed["models"][0]["source"] = "nowhere"
    try:
        assert any("models/stray.json" in line for line in problems_by_check(None, TODAY)["references"])
        index.write_text(json.dumps(listed))
        assert any("no source 'nowhere'" in line for lines in problems_by_check(None, TODAY).values() for line in lines)
    finally:
        stray.unlink()
        index.write_text(sound, "utf-8")
