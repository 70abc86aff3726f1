"""Techniques of serving beside published figures and sums by hand."""

import numpy as np
import pytest

from advisor import InputError
from advisor_serving.speculation import accepted

LLAMA, LARGE = "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-70B"


def estimated(advisor, model, on, *techniques, **fields):
    plain = {"task": "serve", "concurrency": 8, "without_techniques": ("fp8_cache",)}
    ranking = advisor.estimate(model, on, **{**plain, **fields}, techniques=techniques)
    candidate = ranking.best or ranking.infeasible[0]
    return {name: figure.value for name, figure in candidate.estimates.items()} | {
        name: candidate.column(name) for name in ("memory_weights", "memory_cache", "step_time")
    }


@pytest.mark.parametrize(
    ("rate", "drafted", "speed"),
    [(0.6, 2, 1.96), (0.7, 3, 2.53), (0.8, 2, 2.44), (0.8, 5, 3.69), (0.9, 2, 2.71), (0.9, 10, 6.86)],
)
def test_accepted_tokens_are_those_of_leviathan_table_1(rate, drafted, speed):
    assert accepted(rate, drafted) == pytest.approx(speed, abs=0.005)


def test_mtp_gives_deepseek_nearly_its_published_speed_up(advisor):
    """DeepSeek-V3's report: 1.8 times the tokens a second."""
    model, layout = "deepseek-ai/DeepSeek-V3", "tensor_parallel=8"
    plain = estimated(advisor, model, "8xh200", layout, without_techniques=("mtp",), concurrency=1)
    drafted = estimated(advisor, model, "8xh200", layout, "mtp", concurrency=1)
    assert 1.4 < plain["time_per_output_token"] / drafted["time_per_output_token"] < 1.87


def test_models_with_the_module_try_mtp_unasked_and_others_cannot_have_it(advisor):
    with_module = advisor.estimate("deepseek-ai/DeepSeek-V3", "8xh200", task="serve", concurrency=8)
    assert (with_module.rows["choice.speculation"] > 0).any()
    with pytest.raises(InputError, match="no module"):
        advisor.estimate(LLAMA, "h100", task="serve", techniques=("mtp",))


def test_speculation_gains_less_the_more_requests_share_a_step(advisor):
    gains = []
    for concurrency in (1, 32, 256):
        plain = estimated(advisor, LLAMA, "h100", "fp8", concurrency=concurrency)
        eagle = estimated(advisor, LLAMA, "h100", "fp8", "eagle", concurrency=concurrency)
        gains.append(plain["time_per_output_token"] / eagle["time_per_output_token"])
    assert gains[0] > gains[1] > gains[2]
    assert 1.5 < gains[0] < 2.95


def test_a_draft_that_is_always_wrong_only_costs(advisor):
    plain = estimated(advisor, LLAMA, "h100", "fp8")
    wrong = estimated(advisor, LLAMA, "h100", "fp8", "eagle", settings={"acceptance_rate": 0.001})
    assert wrong["time_per_output_token"] > plain["time_per_output_token"]
    assert wrong["memory_weights"] > plain["memory_weights"]


def test_a_cached_beginning_is_not_computed_again(advisor):
    none, half, most = (estimated(advisor, LLAMA, "l4", "fp8", input_tokens=8000, concurrency=1, prefix_share=share,
                                  **({"without_techniques": ("fp8_cache",)}))["time_to_first_token"]
                        for share in (0, 0.5, 0.9))  # fmt: skip
    assert none > half > most
    assert 0.4 * none < half < 0.6 * none


def test_window_bounds_the_cache(advisor):
    whole = estimated(advisor, LLAMA, "h100", "fp8", input_tokens=6000, output_tokens=2000)
    kept = estimated(advisor, LLAMA, "h100", "fp8", "cache_window=2000", input_tokens=6000, output_tokens=2000)
    assert kept["memory_cache"] == pytest.approx(whole["memory_cache"] / 4, rel=1e-6)
    assert kept["time_per_output_token"] < whole["time_per_output_token"]
    with pytest.raises(InputError, match="no longer than the window"):
        estimated(advisor, LLAMA, "h100", "cache_window=4096", input_tokens=1000, output_tokens=100)


def test_offloaded_weights_are_read_over_the_link_in_each_step(advisor):
    """Half of 70 GB over 25 GB/s are 1.4 s a step."""
    step = estimated(advisor, LARGE, "h100", "fp8", "cpu_offload=50", concurrency=1)
    layers = 2 * 80 * (8192 * 8192 * 2 + 8192 * 1024 * 2 + 3 * 8192 * 28672) / 2  # 80 layers, 2 FLOPs a weight
    assert step["step_time"] == pytest.approx(0.5 * layers / 25e9, rel=0.05)
    less = estimated(advisor, LARGE, "h100", "fp8", "cpu_offload=25", concurrency=1)
    assert less["memory_weights"] - step["memory_weights"] == pytest.approx(0.25 * 70.55e9, rel=0.06)
    slower = estimated(advisor, LARGE, "h100", "fp8", "disk_offload=50", concurrency=1)
    assert slower["step_time"] > 3 * step["step_time"]


def test_replicas_apart_decode_undisturbed_and_the_slower_kind_sets_the_rate(advisor):
    fields = {"concurrency": 128, "input_tokens": 4000, "output_tokens": 200}
    both = estimated(advisor, LLAMA, "4xh100", "fp8", "tensor_parallel=1", **fields)
    apart = estimated(advisor, LLAMA, "4xh100", "fp8", "tensor_parallel=1", "disaggregated=2", **fields)
    assert apart["time_per_output_token"] == pytest.approx(both["step_time"], rel=0.01)
    assert apart["time_per_output_token"] < both["time_per_output_token"]
    assert apart["samples_per_s"] < both["samples_per_s"]
    with pytest.raises(InputError, match="no replica"):
        estimated(advisor, LLAMA, "h100", "disaggregated=1")


def test_chunks_delay_the_first_token_and_whole_prompts_do_not(advisor):
    fields = {"input_tokens": 8192, "concurrency": 16}
    times = [estimated(advisor, LLAMA, "h100", "fp8", f"chunked_prefill={chunk}", **fields)["time_to_first_token"]
             for chunk in (256, 1024, 8192)]  # fmt: skip
    plain = estimated(advisor, LLAMA, "h100", "fp8", **fields)["time_to_first_token"]
    assert times[0] > times[1] > times[2]
    assert times[2] == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("name", ["eagle=0", "chunked_prefill=few", "cpu_offload=150", "cache_window=1"])
def test_a_wrong_setting_is_one_line(advisor, name):
    with pytest.raises(InputError, match="expected a whole number"):
        estimated(advisor, LLAMA, "h100", name)


def test_nothing_of_this_is_tried_unasked_where_it_makes_no_sense(advisor):
    rows = advisor.rank(LLAMA, task="serve", request_rate=4, region=("eu",)).rows
    for slot in ("prefix", "chunks", "phases", "speculation", "eviction", "offload"):
        assert not np.any(rows[f"choice.{slot}"]), slot


def test_load_and_speculation_together(advisor):
    plain = estimated(advisor, LLAMA, "l4", "fp8", request_rate=0.5)
    drafted = estimated(advisor, LLAMA, "l4", "fp8", "eagle", request_rate=0.5)
    assert drafted["time_per_output_token"] < 0.8 * plain["time_per_output_token"]
    assert drafted["request_latency"] < 0.8 * plain["request_latency"]
