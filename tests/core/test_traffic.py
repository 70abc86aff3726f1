"""Serving at a rate of requests: units, latencies at their load, and the largest rate of a unit."""

import numpy as np
import pytest

MODEL = "meta-llama/Llama-3.1-8B"
PINNED = {"task": "serve", "techniques": ("fp8",), "without_techniques": ("fp8_cache",), "concurrency": 32}


def on_l4(advisor, **fields):
    ranking = advisor.estimate(MODEL, "l4", **{**PINNED, **fields})
    return ranking.best or ranking.infeasible[0]


def test_latencies_are_of_the_percentile_asked_for(advisor):
    met = on_l4(advisor, request_rate=2).under_load
    for percentile in (50, 95, 99):
        candidate = on_l4(advisor, request_rate=2, percentile=percentile)
        for name, figure in met.percentiles[percentile].items():
            assert candidate.estimates[name].value == pytest.approx(figure.value, rel=1e-6)
    for name in met.percentiles[50]:
        values = [met.percentiles[percentile][name].value for percentile in (50, 95, 99)]
        assert values == sorted(values)
        assert values[0] < values[2]


def test_latencies_grow_with_the_rate_and_start_at_those_of_a_lone_request(advisor):
    rates = (0.01, 0.4, 0.8, 1.1, 1.4)
    candidates = [on_l4(advisor, request_rate=rate) for rate in rates]
    assert [candidate.under_load.units for candidate in candidates] == [1] * 5
    for name in ("time_to_first_token", "time_per_output_token", "request_latency"):
        values = [candidate.estimates[name].value for candidate in candidates]
        assert np.all(np.diff(values) > 0), name
    alone = on_l4(advisor, concurrency=1)
    assert candidates[0].estimates["time_per_output_token"].value == pytest.approx(
        alone.estimates["time_per_output_token"].value, rel=0.15
    )


def test_a_tighter_level_takes_more_units_and_each_keeps_within_it(advisor):
    loose = on_l4(advisor, request_rate=20).under_load
    usual = loose.percentiles[95]["request_latency"].value
    tight = on_l4(advisor, request_rate=20, max_latency=f"{0.85 * usual}s")
    assert tight.feasible
    assert tight.under_load.units > loose.units
    assert tight.estimates["request_latency"].value <= 0.85 * usual


def test_the_largest_rate_keeps_within_the_levels_and_a_little_more_does_not(advisor):
    levels = {"max_latency": "13s"}
    most = on_l4(advisor, request_rate=0.1, **levels).under_load.largest_rate
    assert most > 0.1
    kept = on_l4(advisor, request_rate=0.97 * most, **levels)
    assert kept.under_load.units == 1
    assert kept.estimates["request_latency"].value <= 13
    assert on_l4(advisor, request_rate=1.15 * most, **levels).under_load.units == 2


def test_a_level_that_no_load_meets_is_a_reason_with_the_least_that_the_hardware_can_do(advisor):
    hopeless = on_l4(advisor, request_rate=2, max_ttft="1ms")
    assert not hopeless.feasible
    assert "time_to_first_token" in hopeless.reasons[0]
    least = hopeless.estimates["time_to_first_token"].value
    assert on_l4(advisor, request_rate=2, max_ttft=f"{1.02 * least}s").feasible
    assert not on_l4(advisor, request_rate=2, max_ttft=f"{0.97 * least}s").feasible
    assert hopeless.under_load.largest_rate == 0


def test_units_carry_the_rate_with_a_fifth_to_spare(advisor):
    for rate in (0.5, 3.0, 40.0):
        met = on_l4(advisor, request_rate=rate).under_load
        assert met.load <= 0.8 + 1e-9
        assert met.units * met.rate == pytest.approx(rate)
        assert met.units == 1 or rate / (met.units - 1) > met.largest_rate * (1 - 1e-9)


def test_spread_lengths_make_the_slow_requests_slower(advisor):
    alike = on_l4(advisor, request_rate=2, percentile=99)
    spread = on_l4(advisor, request_rate=2, percentile=99, output_spread=1.0)
    assert spread.estimates["request_latency"].value > 2 * alike.estimates["request_latency"].value


def test_no_feasible_candidate_of_a_ranking_breaks_the_level_at_its_load(advisor):
    ranking = advisor.rank(MODEL, task="serve", request_rate=30, max_ttft="400ms", max_tpot="30ms", percentile=99)
    rows, count = ranking.rows, ranking.feasible_count
    assert count
    assert rows["time_to_first_token"][:count].max() <= 0.4
    assert rows["time_per_output_token"][:count].max() <= 0.03
    assert rows["load"][:count].max() <= 0.8 + 1e-9
    np.testing.assert_allclose(30 / rows["samples_per_s"], rows["load"], rtol=1e-9)


def test_a_network_that_answers_at_once_queues_too(advisor):
    model = "timm/resnet50"
    quiet, busy = (advisor.estimate(model, "l4", task="serve", request_rate=rate, concurrency=32).best
                   for rate in (1, 400))  # fmt: skip
    assert busy.estimates["request_latency"].value > 1.5 * quiet.estimates["request_latency"].value
    tight = advisor.estimate(model, "l4", task="serve", request_rate=4000, concurrency=32, max_latency="10ms").best
    assert tight.estimates["request_latency"].value <= 0.01
    assert tight.under_load.load < 0.8
