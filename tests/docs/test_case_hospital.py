"""The hospital of docs/cases: what the law keeps out, by name and clause, and the arithmetic by hand."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor.cli.main import cli
from advisor.cli.session import Session

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cases" / "hospital.md").read_text("utf-8")
QUESTION = ["meta-llama/Llama-3.1-70B", "--input-tokens", "2000", "--output-tokens", "300", "--request-rate", "0.5",
            "--max-ttft", "2s", "--optimize", "cost", "--limit", "3"]  # fmt: skip
PATIENTS = ["--data-class", "health", "--data-region", "germany"]


def ask(command, *words):
    done = CliRunner().invoke(cli, [command, *words, "--json"], obj=Session())
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def best(*words):
    return ask("rank", *QUESTION, *words)["candidates"][0]


@pytest.fixture(scope="module")
def lawful():
    return ask("rank", *QUESTION, *PATIENTS)


def test_what_the_law_keeps_out_is_named_with_its_clause(lawful):
    free = best()
    assert free["offer"]["provider"] == lawful["excluded_best"]["offer"]["provider"] == "seeweb"
    (reason,) = lawful["excluded_best"]["reasons"]
    assert reason.startswith("privacy rule germany-health-c5")
    assert "393" in reason
    first = lawful["candidates"][0]
    assert first["offer"]["provider"] == "ovh"
    assert first["objectives"]["cost_per_month"]["value"] > free["objectives"]["cost_per_month"]["value"]
    assert "section 393(3) no. 2" in PAGE


def test_money_by_hand(lawful):
    first, excluded = lawful["candidates"][0], lawful["excluded_best"]
    weights_gb = 2 * 70_553_706_496 / 1e9
    for candidate, hourly, storage in ((first, 2.99, weights_gb * 0.0447), (excluded, 1.25, 0.0)):
        assert candidate["offer"]["price_usd_per_hour"] == hourly
        assert candidate["objectives"]["cost_per_month"]["value"] == pytest.approx(730 * hourly + storage, rel=1e-3)
    assert round(730 * (2.99 - 1.25), -1) == 1270


def test_memory_by_hand():
    words = ["--on", "1xh100-pcie", *QUESTION[1:7], "--technique", "int4,fp8_cache", "--concurrency", "64",
             "--provider", "ovh"]  # fmt: skip
    candidate = ask("estimate", QUESTION[0], *words)["candidate"]
    tables = 2 * 128_256 * 8_192
    weights = 2 * tables + (70_553_706_496 - tables) * 4.16 / 8
    cache = 64 * 2_300 * (80 * 2 * 8 * 128)
    parts = {name: figure["value"] for name, figure in candidate["memory_parts"].items()}
    assert parts["weights"] == pytest.approx(weights, rel=0.01)
    assert parts["cache"] == pytest.approx(cache, rel=0.06)  # and rounding to blocks
    rate = candidate["estimates"]["samples_per_s"]["value"]
    assert 0.5 / rate == pytest.approx(0.37, abs=0.02)


def test_points_by_hand():
    groups = ask("privacy", *PATIENTS, "--provider", "ovh", "--region", "france")["offers"]
    assert {group["score"] for group in groups} == {round(100 * (15 + 15 + 20 + 5 + 5 + 5 + 10) / 130, 1)} == {57.7}


def test_an_operator_who_is_not_trusted(lawful):
    candidate = best(*PATIENTS, "--policy", "data-residency", "--threat", "operator")
    assert candidate["recipe"]["isolation"] == "confidential_computing"
    assert (candidate["offer"]["provider"], candidate["offer"]["region"]) == ("gcp", "europe-west3")
    assert candidate["objectives"]["cost_per_month"]["value"] == pytest.approx(9_500, rel=0.02)


def test_foreign_law_leaves_ones_own_rooms():
    answer = ask("rank", *QUESTION, *PATIENTS, "--buy", "--threat", "operator,foreign-access")
    assert {candidate["offer"]["provider"] for candidate in answer["candidates"]} == {"own"}
    rented = ask("rank", *QUESTION, *PATIENTS, "--threat", "operator,foreign-access")
    assert rented["feasible"] == 0


def test_an_equivalent_certificate_lifts_the_rule():
    assert best(*PATIENTS, "--policy", "c5-equivalence")["offer"]["provider"] == "seeweb"
