"""Variants of techniques: tried where named, dominated elsewhere; unrated ones only where allowed."""

import pytest

from advisor import Advisor, InputError

LLAMA = "meta-llama/Llama-3.1-8B"
VARIANTS = {"awq", "gptq", "autoround", "w4a16", "fp8_channel", "fp8_block", "fp8_weights", "smoothquant", "nf4",
            "mlx4", "dynamic_int8", "q3_k_m", "iq4_xs", "tq1_0", "int4_cache", "q8_0_cache"}  # fmt: skip


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def recipes(ranking):
    return {label.partition("=")[0] for candidate in ranking.everything() for label in candidate.recipe.values()}


def test_variants_are_tried_where_they_are_named_alone(advisor):
    assert recipes(advisor.rank(LLAMA, task="serve", concurrency=8)).isdisjoint(VARIANTS)
    best = advisor.estimate(LLAMA, "l4", techniques=("gptq=32",)).best
    assert best.recipe["weights"] == "gptq=32"


def test_smaller_groups_cost_the_bits_of_their_scales(advisor):
    bits = {group: advisor.estimate(LLAMA, "l4", techniques=(f"awq={group}",)).best.column("weight_bits")
            for group in (128, 64, 32)}  # fmt: skip
    assert bits == {128: 4 + 20 / 128, 64: 4 + 20 / 64, 32: 4 + 20 / 32}


def test_a_group_size_that_nothing_has_is_refused_in_a_line(advisor):
    with pytest.raises(InputError, match="awq: expected a group size of 128, 64, 32, not 100"):
        advisor.estimate(LLAMA, "l4", techniques=("awq=100",))


@pytest.mark.parametrize(("device", "gguf"), [("mi250", True), ("apple-m2-max-96gb", True), ("l4", False)])
def test_gguf_stands_in_where_no_server_has_four_bits(advisor, device, gguf):
    found = recipes(advisor.estimate(LLAMA, device, concurrency=1))
    assert ("q4_k_m" in found) == gguf
    assert ("int4" in found) != gguf


def test_a_gguf_file_stores_its_tables_in_fewer_bits_too(advisor):
    candidate = advisor.estimate(LLAMA, "l4", techniques=("q4_k_m",), concurrency=1).best
    assert candidate.frameworks == ["llama.cpp"]
    # the file of fedric95/Meta-Llama-3.1-8B-GGUF has 4.92 GB
    assert candidate.column("memory_weights") == pytest.approx(4.92e9, rel=0.005)


def test_what_nobody_rated_is_left_out_and_says_so(advisor):
    with pytest.raises(InputError, match="no result is published for nf4"):
        advisor.estimate(LLAMA, "l4", techniques=("nf4",))
    ranking = advisor.estimate(LLAMA, "l4", techniques=("nf4",), allow_unrated=True)
    assert any("nf4: unrated" in line for line in ranking.warnings)
    assert ranking.best.column("quality.low") <= 0.01
    with pytest.raises(InputError, match="cannot promise a least quality"):
        advisor.estimate(LLAMA, "l4", techniques=("nf4",), allow_unrated=True, min_quality=0.9)


def test_quality_is_a_limit_and_an_aspect(advisor):
    bound = advisor.estimate(LLAMA, "b200", min_quality=0.99)
    assert all(candidate.column("quality") >= 0.99 for candidate in bound)
    assert advisor.estimate(LLAMA, "b200", optimize="quality").best.column("quality") == 1
    fast = advisor.estimate(LLAMA, "b200", optimize="throughput").best
    assert fast.column("quality") < 1


def test_more_is_lost_with_fewer_bits(advisor):
    kept = [advisor.estimate(LLAMA, "l4", techniques=(name,)).best.column("quality")
            for name in ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q3_k_m", "q2_k")]  # fmt: skip
    assert kept == sorted(kept, reverse=True)
    assert kept[3] == pytest.approx(6.4016 / 6.5837, abs=0.01)


def test_prompts_are_slower_from_the_blocks_of_gguf(advisor):
    """RTX 4090, llama-bench pp512: Q4_0 reaches 0.72 and Q8_0 0.69 of fp16 (tests/truth/serve_llamacpp.csv)."""
    def first_token(*techniques):
        found = advisor.estimate(LLAMA, "rtx-4090", techniques=techniques, framework="llama.cpp", concurrency=1,
                                 input_tokens=2048, output_tokens=16)  # fmt: skip
        return found.best.estimates["time_to_first_token"].value

    plain = advisor.estimate(LLAMA, "rtx-4090", without_techniques=("q8_0", "q4_k_m"), framework="llama.cpp",
                             concurrency=1, input_tokens=2048, output_tokens=16)  # fmt: skip
    plain = plain.best.estimates["time_to_first_token"].value
    assert first_token("q8_0") > 1.1 * plain
    assert first_token("q4_k_m") > 1.1 * plain


def test_naming_a_framework_takes_its_version_along(advisor):
    ranking = advisor.estimate(LLAMA, "intel-xeon-8480plus", framework="openvino 2025.4", concurrency=1)
    assert {name for candidate in ranking for name in candidate.frameworks} == {"openvino"}
