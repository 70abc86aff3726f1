"""Properties of whole rankings with the installed plugins."""

import json

import numpy as np
import pytest

from advisor import Advisor, InputError, UnknownNameError
from advisor.devices import Device

SERVE = {"task": "serve", "request_rate": 4, "max_ttft": "500ms", "input_tokens": 1024, "output_tokens": 256}
MODEL = "meta-llama/Llama-3.1-8B"


@pytest.fixture(scope="module")
def ranking(advisor):
    return advisor.rank(MODEL, **SERVE)


def test_ranks_all_three_kinds_from_several_vendors(advisor):
    ranking = advisor.rank(MODEL, task="batch", rows=1000)
    assert {candidate.device.kind for candidate in ranking} >= {"cpu", "gpu", "tpu"}
    assert len({candidate.device.vendor for candidate in ranking}) >= 4


def test_order_follows_the_score_and_feasible_candidates_break_no_limit(ranking):
    scores = [candidate.score for candidate in ranking]
    assert scores == sorted(scores)
    assert all(candidate.estimates["time_to_first_token"].value <= 0.5 for candidate in ranking)
    assert all(not candidate.reasons for candidate in ranking)
    assert all(candidate.reasons for candidate in ranking.infeasible)


def test_json_is_valid_and_has_its_fixed_points(ranking):
    answer = json.loads(ranking.to_json())
    assert answer["schema"] == {"name": "advisor.rank", "version": 1}
    for candidate in answer["candidates"]:
        assert {
            "rank",
            "feasible",
            "reasons",
            "device",
            "device_count",
            "offer",
            "recipe",
            "estimates",
            "objectives",
        } <= set(candidate)
        for figure in (*candidate["estimates"].values(), *candidate["objectives"].values()):
            assert set(figure) == {"value", "low", "high", "unit"}
            if figure["value"] is not None:
                assert figure["low"] <= figure["value"] <= figure["high"]


def test_same_question_same_answer(advisor, ranking):
    again = Advisor().rank(MODEL, **SERVE)
    assert again.to_json() == ranking.to_json()


def test_time_parts_sum_to_the_step_and_memory_parts_to_the_memory(ranking):
    rows = ranking.rows
    parts = sum(rows[name] for name in ("time_compute", "time_memory", "time_link", "time_launch", "time_host"))
    np.testing.assert_allclose(parts, rows["step_time"])
    memory = sum(
        rows[name]
        for name in ("memory_weights", "memory_cache", "memory_activations", "memory_gradients", "memory_optimizer",
                     "memory_overhead")
    )  # fmt: skip
    np.testing.assert_allclose(memory, rows["memory"])


def changed(advisor, **figures):
    """An advisor in which one device has other figures."""
    device = advisor.registry.devices["nvidia-l4-24gb"]
    return Advisor(devices=[Device(**{**device.as_dict(), **figures})])


@pytest.mark.parametrize("figure", ["memory_gib", "memory_bandwidth_gb_per_s"])
def test_a_better_device_is_never_ranked_below_a_worse_one_at_the_same_price(advisor, figure):
    device = advisor.registry.devices["nvidia-l4-24gb"]
    better = changed(advisor, **{figure: 2 * getattr(device, figure)})
    question = {**SERVE, "device": "nvidia-l4-24gb", "optimize": "latency"}
    question["device"] = ("nvidia-l4-24gb",)
    before, after = advisor.rank(MODEL, **question), better.rank(MODEL, **question)
    assert after.feasible_count >= before.feasible_count
    assert after.best.estimates["request_latency"].value <= before.best.estimates["request_latency"].value * (1 + 1e-9)


def test_halving_weight_bits_halves_weight_bytes(advisor):
    plain = advisor.estimate(MODEL, "h100", task="serve", concurrency=1, techniques=())
    rows = plain.rows
    weights = rows["memory_weights"]
    half = rows["weight_bits"] == 8
    kept = 128256 * 4096 * 2 * 2 + 65 * 4096 * 2  # embedding, logits and norms stay at 16 bits
    full_bytes = weights[rows["weight_bits"] == 16][0]
    assert full_bytes == 8_030_261_248 * 2
    np.testing.assert_allclose(weights[half] - kept, (full_bytes - kept) / 2)


def test_filters_keep_what_they_name(advisor):
    ranking = advisor.rank(MODEL, **SERVE, kind=("tpu",), region=("eu",))
    assert ranking.feasible_count
    assert all(candidate.device.kind == "tpu" and "eu" in candidate.offer.areas for candidate in ranking)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("device", ("h1000",)),
        ("kind", ("gpx",)),
        ("region", ("atlantis",)),
        ("optimize", "speed"),
        ("profile", "blanced"),
    ],
)
def test_a_wrong_name_is_refused(advisor, field, value):
    with pytest.raises(UnknownNameError):
        advisor.rank(MODEL, **{**SERVE, field: value})


def test_nothing_feasible_names_the_smallest_relaxation(advisor):
    ranking = advisor.rank(MODEL, **{**SERVE, "max_ttft": "1ms"})
    assert ranking.best is None
    assert any("time_to_first_token" in line for line in ranking.explain().relaxations)


def test_unknown_model_is_refused_with_the_nearest(advisor):
    with pytest.raises(InputError, match="did you mean"):
        advisor.rank("meta-llama/Lama-3.1-8B", **SERVE)


def test_a_small_device_that_is_enough_wins_and_the_answer_says_so(advisor):
    from advisor.cli.words import enough

    ranking = advisor.rank("tests/keras/data/model.h5", task="batch", rows=1_000_000)
    assert ranking.best.device_count == 1
    assert ranking.best.device.kind == "cpu"
    assert enough(ranking).startswith(f"One {ranking.best.device.name} is enough")
    assert not enough(advisor.rank("meta-llama/Llama-3.1-70B", task="serve", request_rate=50))


def test_of_equals_the_smaller_hardware_comes_first(advisor):
    ranking = advisor.rank("tests/keras/data/model.h5", task="batch", rows=1000, weights={"quality": 1.0})
    unchanged = ranking.rows["quality"] == 1.0
    watts = ranking.context.devices.board_power[ranking.rows["device"]] * ranking.rows["device_count"]
    best = ranking.best
    assert best.device.board_power_w * best.device_count == (watts * ranking.rows["units"])[unchanged].min()


def test_alike_candidates_are_folded_into_the_first(advisor):
    ranking = advisor.rank(MODEL, task="finetune", method="lora", tokens="100M")
    heads = [candidate for candidate in ranking if candidate.alike]
    assert heads
    weights = np.array([ranking.weights[item.objective.aspect] for item in ranking.measured if item.objective.aspect])
    for head in heads:
        for other in head.alike:
            assert (other.device.id, other.device_count, other.recipe) == (
                head.device.id, head.device_count, head.recipe
            )  # fmt: skip
            assert other.offer.provider != head.offer.provider
            assert np.abs(ranking.losses[other.row] - ranking.losses[head.row]) @ weights < 0.1
    shown = {candidate.row for candidate in ranking}
    assert not shown & {other.row for head in heads for other in head.alike}
    assert {other.row for head in heads for other in head.alike} <= {each.row for each in ranking.everything()}


def test_the_front_is_exact_whatever_is_kept(advisor):
    from advisor.engine import rank

    whole = advisor.rank(MODEL, **SERVE, region=("eu",))
    few = rank(whole.context.changed(left_out={}), whole.registry, most=4000, front=True)
    assert len(few.rows) < len(whole.rows)

    def identities(ranking):
        names = ("system", "offer", "batch", "nodes", *(f"choice.{slot}" for slot in ranking.choices.labels))
        rows = np.flatnonzero(ranking.front)
        return sorted(zip(*(ranking.rows[name][rows].tolist() for name in names), strict=True))

    assert identities(few) == identities(whole)
    assert len(identities(whole)) > 100
