"""A power cap: what it keeps to, and what it costs in speed."""

import numpy as np
import pytest

from advisor import Advisor
from advisor.errors import InputError
from advisor_roofline.power import power_constants

H100_W = 700.0


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def rows(advisor, cap, **job):
    named = (f"power_cap={cap}",) if cap else ()
    ranking = advisor.estimate("meta-llama/Llama-3.1-8B", "8xh100-sxm", techniques=named, **job)
    return ranking.rows.take(np.arange(ranking.feasible_count))


def fastest(table):
    return float(table["samples_per_s"].max())


@pytest.mark.parametrize("cap", [80, 60, 45])
def test_no_candidate_draws_more_than_its_cap(advisor, cap):
    table = rows(advisor, cap, task="train", tokens=10**9)
    assert len(table)
    assert (table["power"] <= table["device_count"] * table["units"] * H100_W * cap / 100 * 1.0001).all()


def test_arithmetic_slows_as_the_measured_law_says_and_decoding_hardly(advisor):
    # Saturated arithmetic at 60 % of 700 W, idle known: clock = ((420 - idle)/(700 - idle)) ** (1/exponent).
    idle = advisor.registry.devices["h100"].idle_power_w or 0.15 * H100_W
    clock = ((0.6 * H100_W - idle) / (H100_W - idle)) ** (1 / power_constants()["clock_exponent"])
    run = {"task": "train", "tokens": 10**9}
    train = fastest(rows(advisor, 60, **run)) / fastest(rows(advisor, 0, **run))
    assert clock < train < 1.0  # not all of a step is arithmetic
    serve = {"task": "serve", "batch_size": 1, "input_tokens": 16, "output_tokens": 512}
    decode = fastest(rows(advisor, 60, **serve)) / fastest(rows(advisor, 0, **serve))
    assert train < decode <= 1.0


def test_a_cap_that_is_none_is_refused(advisor):
    with pytest.raises(InputError, match="power_cap"):
        advisor.estimate("meta-llama/Llama-3.1-8B", "8xh100-sxm", task="serve", techniques=("power_cap=soft",))


def test_caps_are_tried_under_a_power_budget_alone(advisor):
    ranking = advisor.rank("meta-llama/Llama-3.1-8B", task="serve", request_rate=4, kind=("gpu",), vendor=("nvidia",))
    assert (ranking.rows["power_cap"] == 1).all()
    bounded = advisor.rank("meta-llama/Llama-3.1-70B", task="serve", request_rate=20, power_budget="3kW",
                           vendor=("nvidia",), provider=("verda",))  # fmt: skip
    best = bounded[0]
    assert best.objectives["machine_power"].value <= 3000
    assert (bounded.rows["power_cap"] < 1).any()
    without = advisor.rank("meta-llama/Llama-3.1-70B", task="serve", request_rate=20, power_budget="3kW",
                           vendor=("nvidia",), provider=("verda",), without_techniques=("power_cap",))  # fmt: skip
    cost = "cost_per_month"
    assert not len(without) or best.objectives[cost].value <= without[0].objectives[cost].value * 1.0001
