"""The record of benchmarks/energy.py: it keeps its demand, its constants are those in use, its page is its own."""

import csv
import json
import sys
from pathlib import Path

import pytest

from advisor.workload import read_toml

ROOT = Path(__file__).resolve().parent.parent.parent
POWER = Path(__file__).parent / "power"
RECORD = json.loads((ROOT / "benchmarks" / "energy.json").read_text("utf-8"))


def rows(name):
    with (POWER / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_models_not_fitted_are_within_the_demand():
    for title, entry in RECORD.items():
        if title.startswith("server power"):
            assert entry["median"] <= 20, title
    assert RECORD["server power, each model left out"]["rows"] == 101


def test_the_constants_in_use_are_those_of_the_record():
    assert read_toml(ROOT / "plugins" / "advisor_roofline" / "power.toml") == pytest.approx(RECORD["constants"])


def test_the_page_is_written_from_the_record(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    sys.modules.pop("energy_page", None)
    from energy_page import page

    assert (ROOT / "docs" / "energy.md").read_text("utf-8") == page(RECORD)


def test_every_published_value_has_a_source_and_a_year():
    runs = rows("energy_runs.csv")
    assert len(runs) >= 60
    assert len([row for row in runs if row["kind"] == "measured"]) >= 60
    for name in ("energy_runs.csv", "cpu_power.csv", "power_limits.csv"):
        for row in rows(name):
            assert row["source"]
            assert 2015 < int(row["year"]) <= 2026


@pytest.mark.parametrize("model", ["LLaMA-7B", "LLaMA-13B", "LLaMA-33B", "LLaMA-65B"])
def test_carbon_as_meta_accounts_for_it(model):
    # Touvron et al. 2023: GPU hours x 400 W x PUE 1.1 x 0.385 kg/kWh.
    mine = {row["metric"]: float(row["value"]) for row in rows("energy_runs.csv") if row["model"] == model}
    tonnes = mine["device_hours"] * mine["device_power_w"] * 1e-3 * 1.1 * 0.385 * 1e-3
    assert tonnes == pytest.approx(mine["carbon_t"], rel=0.03)


def test_energy_and_intensity_of_the_same_runs_agree():
    # Patterson et al. 2021: GPT-3 took 1,287 MWh at 429 g/kWh, T5 85.7 MWh at 545 g/kWh.
    mine = {(row["model"], row["metric"]): float(row["value"]) for row in rows("energy_runs.csv")}
    assert mine["GPT-3 175B", "energy_mwh"] * 0.429 == pytest.approx(mine["GPT-3 175B", "carbon_t"], rel=0.01)
    assert mine["T5-11B", "energy_mwh"] * 0.545 == pytest.approx(mine["T5-11B", "carbon_t"], rel=0.01)
