"""Depth, heads, low rank, vocabulary, sparsity; DoRA, IA3 and freezing: bytes, work, quality, refusals."""

import numpy as np
import pytest

from advisor import Advisor, InputError
from advisor_compression.depth import attention_share
from advisor_compression.light import ia3_parameters

from .made import LLAMA_7B, LLAMA_31_8B, context, refused, start

LLAMA = "meta-llama/Llama-3.1-8B"


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def estimated(advisor, *techniques, on="h100", **more):
    return advisor.estimate(LLAMA, on, techniques=techniques, concurrency=8, **more).best


def plain(advisor, on="h100"):
    return advisor.estimate(LLAMA, on, techniques=(), concurrency=8, without_techniques=tuple(
        t.name for t in advisor.registry.techniques if t.stage != "layout")).best  # fmt: skip


def test_half_of_the_blocks_is_half_of_weights_cache_and_time(advisor):
    """Embedding and output stay: 1.05 of 8.03 billion parameters."""
    whole = plain(advisor)
    without = tuple(t.name for t in advisor.registry.techniques if t.slot in ("weights", "cache"))
    half = estimated(advisor, "depth_pruning=0.5", without_techniques=without)
    tables = 2 * 2 * 128256 * 4096
    blocks = whole.column("memory_weights") - tables
    assert half.column("memory_weights") == pytest.approx(tables + blocks / 2, rel=1e-3)
    assert half.column("memory_cache") == pytest.approx(whole.column("memory_cache") / 2)
    assert 0.5 < half.column("time_per_output_token") / whole.column("time_per_output_token") < 0.75
    # Minitron-4B by depth keeps 58.7 of 65.3 on MMLU and 16.8 of 48.6 on GSM8K: 0.829 over six tasks
    assert half.column("quality") == pytest.approx(311.6 / 375.9, abs=1e-3)


def test_width_pruning_keeps_more_than_depth_pruning(advisor):
    depth = estimated(advisor, "depth_pruning=0.53").column("quality")
    assert estimated(advisor, "structured_pruning=0.53").column("quality") > depth


def test_heads_take_their_projections_and_their_cache(by_name):
    ctx = context(techniques=("head_pruning=0.5",), allow_unrated=True)
    rows = start(ctx)
    cache = rows["cache_bits"].copy()
    assert not refused(by_name["head_pruning"].apply(rows, "0.5", ctx), rows).any()
    projections = 32 * (4096 * 6144 + 4096 * 4096)
    whole = 32 * (4096 * 6144 + 4096 * 4096 + 4096 * 28672 + 14336 * 4096)
    assert attention_share(LLAMA_31_8B) == pytest.approx(projections / whole)
    assert rows["parameter_share"] == pytest.approx(1 - projections / whole / 2)
    assert rows["cache_bits"] == pytest.approx(cache / 2)


def test_low_rank_costs_the_published_perplexity(advisor):
    alone = {"without_techniques": tuple(t.name for t in advisor.registry.techniques if t.slot in ("weights", "cache"))}
    assert estimated(advisor, "low_rank=0.8", **alone).column("quality") == pytest.approx(5.68 / 7.94, abs=1e-3)
    with pytest.raises(InputError, match=r"expected a share kept of 0\.8 to below 1"):
        estimated(advisor, "low_rank=0.5")


def test_a_smaller_vocabulary_is_a_smaller_table(advisor):
    without = tuple(t.name for t in advisor.registry.techniques if t.slot in ("weights", "cache"))
    whole = plain(advisor).column("memory_weights")
    half = estimated(advisor, "vocabulary_trimming=0.5", without_techniques=without, allow_unrated=True)
    assert whole - half.column("memory_weights") == pytest.approx(2 * 128256 * 4096, rel=1e-3)


def test_sparsity_without_structure_runs_on_amx_over_int8_alone(advisor):
    with pytest.raises(InputError, match="no framework runs it on the device"):
        estimated(advisor, "unstructured_sparsity", "int8", on="l4")
    with pytest.raises(InputError, match="it needs int8 or smoothquant"):
        estimated(advisor, "unstructured_sparsity", "bf16", on="intel-xeon-8480plus")
    best = estimated(advisor, "unstructured_sparsity", "int8", on="intel-xeon-8480plus")
    assert best.frameworks == ["openvino"]
    assert best.column("parameter_share") == 0.625
    assert best.column("quality") < 0.8


def test_dora_adds_a_magnitude_an_output(by_name):
    """PEFT 0.21.2 counts 1,291,776 trained parameters a layer of LLaMA-7B, LoRA 1,249,280."""
    ctx = context(LLAMA_7B, task="finetune", method="dora", settings={"lora_rank": 16})
    rows = start(ctx)
    assert by_name["dora"].required(ctx)
    assert not refused(by_name["dora"].apply(rows, "", ctx), rows).any()
    assert 32 * 1_249_280 == 39_976_960
    assert (rows["adapter_parameters"] == 32 * 1_291_776).all()


def test_ia3_counts_as_peft_does(by_name):
    assert ia3_parameters(LLAMA_7B) == 614_400  # PEFT 0.21.2: 19,200 a layer of LLaMA-7B
    ctx = context(LLAMA_7B, task="finetune", method="ia3", allow_unrated=True)
    rows = start(ctx)
    assert not refused(by_name["ia3"].apply(rows, "", ctx), rows).any()
    assert (rows["trainable_share"] == 0).all()
    unrated = context(LLAMA_7B, task="finetune", method="ia3")
    assert refused(by_name["ia3"].apply(start(unrated), "", unrated), start(unrated)).all()


@pytest.mark.parametrize("method", ["freezing", "layer_freezing", "Layer-Freezing"])
def test_a_method_by_its_alias_is_the_method(by_name, method):
    ctx = context(task="finetune", method=method, allow_unrated=True)
    assert by_name["freezing"].required(ctx)
    assert not by_name["ia3"].required(ctx)


def test_freezing_trains_a_share(by_name):
    ctx = context(task="finetune", method="freezing", allow_unrated=True)
    rows = start(ctx)
    by_name["freezing"].apply(rows, "0.25", ctx)
    assert np.allclose(rows["trainable_share"], 0.25)


def test_a_method_of_fine_tuning_that_is_unrated_says_how_to_try_it(advisor):
    ranking = advisor.estimate(LLAMA, "8xh100", task="finetune", method="ia3", allow_unrated=True)
    assert ranking.best.recipe["adaptation"] == "ia3"
    assert any("ia3: unrated" in line for line in ranking.warnings)
