import numpy as np
import pytest

from advisor.errors import InputError
from advisor.formats import CODES
from advisor_compression.adapters import adapter_parameters

from .made import CLASSIFIER, LLAMA_7B, LLAMA_31_8B, MIXTRAL, context, device_names, refused, start, transformer


@pytest.mark.parametrize(
    ("model", "rank", "targets", "published"),
    [
        # print_trainable_parameters of PEFT on these models, as many run logs show it
        (LLAMA_7B, 8, ("q", "v"), 4_194_304),
        (LLAMA_7B, 16, (), 39_976_960),
        (LLAMA_31_8B, 16, (), 41_943_040),
        (LLAMA_31_8B, 8, ("q", "v"), 3_407_872),
    ],
)
def test_adapter_parameters_as_peft_counts_them(model, rank, targets, published):
    assert adapter_parameters(model, rank, targets) == published


def test_routed_experts_routers_and_logits_have_no_adapters():
    attention_alone = adapter_parameters(MIXTRAL, 16, ("q", "k", "v", "o"))
    assert adapter_parameters(MIXTRAL, 16) == attention_alone


def test_lora_freezes_the_model(by_name):
    ctx = context(task="finetune", method="lora", settings={"lora_rank": 8})
    lora = by_name["lora"]
    assert lora.required(ctx)
    assert not by_name["qlora"].required(ctx)
    rows = start(ctx)
    assert not refused(lora.apply(rows, "", ctx), rows).any()
    assert (rows["adapter_parameters"] == adapter_parameters(LLAMA_31_8B, 8)).all()
    assert (rows["trainable_share"] == 0).all()
    assert (rows["weight_bits"] == 16).all()


def test_qlora_stores_nf4_and_multiplies_in_16_bits(by_name):
    ctx = context(task="finetune", method="qlora")
    qlora = by_name["qlora"]
    assert qlora.required(ctx)
    rows = start(ctx)
    no = refused(qlora.apply(rows, "", ctx), rows)
    assert {name for name, out in zip(device_names(ctx, rows), no, strict=True) if out} == {"plain"}
    assert (rows["weight_format"] == CODES["nf4"]).all()
    assert rows["weight_bits"] == pytest.approx(4 + 8 / 64 + 32 / (64 * 256), abs=1e-4)  # Dettmers et al. 2023
    assert (rows["compute_format"] == CODES["bf16"]).all()
    assert (rows["adapter_parameters"] == 41_943_040).all()


def test_full_fine_tuning_asks_for_no_adapter(by_name):
    ctx = context(task="finetune", method="full")
    assert not by_name["lora"].required(ctx)
    assert not by_name["lora"].settings(ctx)


def test_rank_is_checked(by_name):
    ctx = context(task="finetune", method="lora", settings={"lora_rank": 2.5})
    with pytest.raises(InputError, match="lora_rank"):
        by_name["lora"].apply(start(ctx), "", ctx)


def test_adapters_of_networks_without_tokens_are_refused_with_a_reason(by_name):
    ctx = context(CLASSIFIER, task="finetune", method="lora")
    rows = start(ctx)
    refusals = by_name["lora"].apply(rows, "", ctx)
    assert refused(refusals, rows).all()
    assert "language" in refusals[0][1]


def test_compression_that_needs_retraining_is_offered_where_the_user_accepts_it(by_name):
    for name in ("sparse_2_4", "structured_pruning"):
        technique = by_name[name]
        assert not technique.settings(context())
        assert technique.settings(context(techniques=(name,)))
        assert technique.settings(context(min_quality=0.9))
        assert not technique.settings(context(CLASSIFIER, task="batch", min_quality=0.9))
        assert not technique.settings(context(task="train", min_quality=0.9))


def test_sparse_storage_and_legality_follow_the_format(by_name):
    ctx = context(techniques=("2:4",))
    sparse = by_name["sparse_2_4"]
    rows = start(ctx)
    no = refused(sparse.apply(rows, "", ctx), rows)
    assert {n for n, out in zip(device_names(ctx, rows), no, strict=True) if not out} == {"ampere", "hopper"}
    assert rows["parameter_share"] == pytest.approx(0.5625)  # 2 of 4 at 16 bits, 2 bits of position each
    assert ((rows["matrix_speedup"] > 1) & (rows["matrix_speedup"] < 2)).all()
    rows = start(ctx)
    by_name["fp8"].apply(rows, "", ctx)
    no = refused(sparse.apply(rows, "", ctx), rows)
    assert rows["parameter_share"] == pytest.approx(0.625)
    assert {n for n, out in zip(device_names(ctx, rows), no, strict=True) if not out} == {"hopper"}
    rows = start(ctx)
    by_name["int4"].apply(rows, "", ctx)
    assert refused(sparse.apply(rows, "", ctx), rows).all()


def test_published_pruned_models(by_name):
    pruning = by_name["structured_pruning"]
    # MN-Minitron-8B and Llama-3.1-Minitron-4B-Width over their teachers, mean of the six tasks of table 1
    assert pruning.quality(0.67).value == pytest.approx(403.4 / 407.7, abs=1e-4)
    assert pruning.quality(0.53).value == pytest.approx(349.8 / 375.9, abs=1e-4)
    shares = np.linspace(0.53, 0.999, 50)
    values = [pruning.quality(share).value for share in shares]
    assert values == sorted(values)


def test_pruning_scales_storage_and_work(by_name):
    ctx = context(techniques=("structured_pruning=0.75",))
    rows = start(ctx)
    assert not refused(by_name["structured_pruning"].apply(rows, "0.75", ctx), rows).any()
    assert (rows["parameter_share"] == 0.75).all()
    assert (rows["flops_share"] == 0.75).all()
    for bad in ("0.3", "1", "half"):
        with pytest.raises(InputError, match="structured_pruning"):
            by_name["structured_pruning"].apply(start(ctx), bad, ctx)


def test_joined_layers_count_apart_and_odd_ones_whole():
    one = transformer(hidden=64, blocks=1, heads=4, kv_heads=2, width=16, inner=128)
    # q 64+64, k and v 64+32 each, o 64+64, gate and up 64+128 each, down 128+64
    assert adapter_parameters(one, 1) == 128 + 96 + 96 + 128 + 192 + 192 + 192
