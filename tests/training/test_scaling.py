"""Compute-optimal sizes: against Chinchilla, and as a user asks."""

import json

import pytest
from click.testing import CliRunner

from advisor.cli.main import cli
from advisor_plan.scaling import loss, optimal


def test_gophers_budget_trains_chinchilla():
    """Hoffmann et al. 2022: the 5.76e23 FLOPs of Gopher are best spent on 70 B parameters and 1.4 T tokens."""
    parameters, tokens = optimal(5.76e23)
    assert parameters == pytest.approx(70e9, rel=0.1)
    assert tokens == pytest.approx(1.4e12, rel=0.1)


@pytest.mark.parametrize("flops", [1e20, 1e22, 1e24])
def test_no_other_size_has_less_loss(flops):
    parameters, tokens = optimal(flops)
    assert 6 * parameters * tokens == pytest.approx(flops)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert loss(parameters * factor, tokens / factor) > loss(parameters, tokens)


def run(*words):
    return CliRunner().invoke(cli, ["plan-training", *words])


def test_a_budget_is_spent():
    result = run("--on", "64xh100", "--budget", "20k", "--json")
    assert result.exit_code == 0, result.output
    plans = json.loads(result.stdout)["plans"]
    for plan in plans:
        assert plan["cost_usd"] == pytest.approx(20000)
        assert plan["flops"] == pytest.approx(6 * plan["parameters"] * plan["tokens"])
        assert 50e12 < plan["flops_per_s_per_device"] < 1979e12
    assert min(plans, key=lambda plan: plan["loss"]) == plans[1]


def test_more_time_trains_a_larger_model():
    short, long = (json.loads(run("--on", "8xh100", "--finish-in", time, "--json").stdout)["plans"][1]["parameters"]
                   for time in ("1d", "10d"))  # fmt: skip
    assert 2 < long / short < 5


@pytest.mark.parametrize("words", [(), ("--budget", "10", "--finish-in", "1d"), ("--budget", "none"),
                                   ("--budget", "1e30"), ("--finish-in", "1e30d")])
def test_wrong_words_are_refused_in_one_line(words):
    result = run("--on", "8xh100", *words)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
