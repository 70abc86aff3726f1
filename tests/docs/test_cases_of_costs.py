"""The arithmetic of docs/cases on costs and carbon, by hand, against what the commands say."""

import json
import math

import pytest
from click.testing import CliRunner

from advisor.cli.main import cli

TUNE = ["meta-llama/Llama-3.1-8B", "--on", "1xh100-sxm", "--task", "finetune", "--method", "lora", "--tokens", "50M",
        "--term", "spot", "--region", "eu"]  # fmt: skip
PRETRAIN = ["--params", "7B", "--task", "train", "--tokens", "140B"]


def ask(command, *words):
    done = CliRunner().invoke(cli, [command, *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.mark.parametrize("interruptions", [0.0026, 0.1])
def test_a_week_on_spot(interruptions):
    answer = ask("cost", *TUNE, "--assume", f"interruptions={interruptions}")
    price = answer["candidate"]["offer"]["price_usd_per_hour"]
    hours = answer["candidate"]["estimates"]["run_time"]["value"] / 3600
    parts = answer["parts"]
    lost = interruptions * 0.17 + math.sqrt(2 * interruptions * 0.017)
    stored = answer["data"]["stored_gb"] * 0.20 / 730  # USD an hour, at Verda's price
    assert parts["rent"] == pytest.approx(price * hours, rel=1e-4)
    assert parts["storage"] == pytest.approx(stored * hours, rel=1e-4)
    assert parts["interruptions"] == pytest.approx((price + stored) * hours * lost, rel=1e-3)
    assert parts["starting"] == pytest.approx((price + stored) * 0.1, rel=1e-4)
    run = (price + stored) * (hours * (1 + lost) + 0.1)
    assert answer["costs"]["cost_per_run"]["value"] == pytest.approx(run, rel=1e-3)
    demand = next(term for term in answer["terms"] if term["term"] == "on-demand")
    assert demand["value"] > answer["costs"]["cost_per_run"]["value"]
    assert answer["break_even"]["pays_after_years"] is None


def test_the_carbon_budget_excludes_the_cheapest_and_says_so():
    words = [*PRETRAIN, "--finish-in", "30d", "--device", "h100-sxm", "--max-devices", "64", "--region", "us",
             "--limits", "carbon_g=1000000", "--optimize", "cost", "--limit", "1"]  # fmt: skip
    answer = ask("rank", *words)
    best, excluded = answer["candidates"][0], answer["excluded_best"]
    assert best["objectives"]["carbon_g"]["value"] <= 1e6 < excluded["objectives"]["carbon_g"]["value"]
    assert excluded["objectives"]["cost_per_run"]["value"] < best["objectives"]["cost_per_run"]["value"]
    assert any(reason.startswith("carbon_g: ") for reason in excluded["reasons"])
    assert "Before it, but for a limit: " in CliRunner().invoke(cli, ["rank", *words]).output


def test_carbon_of_the_run_by_hand():
    answer = ask("energy", *PRETRAIN, "--on", "8xh100-sxm", "--provider", "aws", "--region", "us-west-2")
    hours = answer["candidate"]["estimates"]["run_time"]["value"] / 3600
    kwh = answer["power"]["facility"]["value"] / 1000 * hours
    tonnes = kwh * answer["place"]["grid"]["value"] / 1e6
    made = (8 * 164 + 2500) / (4 * 8760) * hours / 1000
    assert answer["carbon"]["operational, location-based"]["value"] / 1e6 == pytest.approx(tonnes, rel=1e-3)
    assert answer["carbon"]["embodied"]["value"] / 1e6 == pytest.approx(made, rel=1e-3)


def test_rent_or_buy_by_hand():
    answer = ask("cost", *PRETRAIN, "--on", "8xh100-sxm", "--region", "us", "--term", "on-demand", "--years", "4")
    found = answer["break_even"]
    assert found["purchase_usd"] == 300_000
    hours = 4 * 8760
    resale = 300_000 * (1 - 0.23) ** 4
    owned = next(term for term in answer["terms"] if term["term"] == "owned")
    assert owned["purchase_usd"] == 300_000
    last = found["curve"][-1]
    use = found["use"]
    rent = answer["candidate"]["offer"]["price_usd_per_hour"]
    assert last["rent_usd"] == pytest.approx(rent * use * hours, rel=0.01)  # storage comes on top
    capital = 0.08 * (300_000 + resale) / 2 * 4
    upkeep = 0.05 * 300_000 * 4 + 2 * 66 * 48 + 10.2 * 217.3 * 48
    fixed = 300_000 - resale + capital + upkeep
    power = (last["own_usd"] - fixed) / (use * hours)  # what is left is electricity and cooling
    assert 0.5 < power < 3
    assert last["least_use"] == pytest.approx(fixed / ((last["rent_usd"] / use / hours - power) * hours), rel=0.02)
    assert last["cash_usd"] - last["own_usd"] == pytest.approx(resale, rel=0.001)
