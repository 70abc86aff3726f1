import numpy as np
import pytest

from advisor.errors import InputError

from .made import (
    AMPERE,
    CLASSIFIER,
    HOPPER,
    LLAMA_7B,
    MIXTRAL,
    PLAIN,
    context,
    device,
    refused,
    start,
    transformer,
)

LARGE = transformer(hidden=8192, blocks=80, inner=28672, heads=64, kv_heads=8, name="llama-70b")


def run(technique, ctx, setting, *, nodes=1, before=()):
    rows = start(ctx, nodes=nodes)
    gone = np.zeros(len(rows), dtype=bool)
    for earlier, value in before:
        gone |= refused(earlier.apply(rows, value, ctx), rows)
    return rows, gone | refused(technique.apply(rows, setting, ctx), rows)


def test_tensor_parallel_leaves_the_replicas(by_name):
    ctx = context(LARGE, (HOPPER,), counts=(8,))
    for size, replicas in ((1, 8), (2, 4), (4, 2), (8, 1)):
        rows, no = run(by_name["tensor_parallel"], ctx, size)
        assert not no.any()
        assert rows["data_parallel"].tolist() == [replicas]
        assert rows["tensor_parallel"].tolist() == [size]


def test_tensor_parallel_divides_the_heads_and_stays_in_the_link_domain(by_name):
    tensor = by_name["tensor_parallel"]
    assert list(tensor.settings(context(LARGE, (HOPPER,), counts=(8,)))) == [2, 4, 8]
    odd = transformer(heads=6, kv_heads=2, name="six heads")
    assert list(tensor.settings(context(odd, (HOPPER,), counts=(8,)))) == [2]
    _, no = run(tensor, context(odd, (HOPPER,), counts=(8,)), 4)
    assert no.all()
    pairs = device("pairs", {"bf16": 100}, joined=2)
    _, no = run(tensor, context(LARGE, (pairs,), counts=(8,)), 4)
    assert no.all()
    rack = device("rack", {"bf16": 100}, joined=72)
    _, no = run(tensor, context(LARGE, (rack,), counts=(4,), max_nodes=18), 16, nodes=8)
    assert not no.any()


def test_one_device_without_links_has_no_layouts(by_name):
    ctx = context(LARGE, (PLAIN,), counts=(1,), max_nodes=1)
    for name in ("tensor_parallel", "pipeline_parallel", "expert_parallel", "context_parallel"):
        assert not by_name[name].settings(ctx)


def test_degrees_must_divide_the_devices(by_name):
    ctx = context(LARGE, (AMPERE,), counts=(6,), max_nodes=1)
    rows, no = run(by_name["tensor_parallel"], ctx, 4)
    assert no.all()
    rows, no = run(by_name["tensor_parallel"], ctx, 2)
    assert not no.any()
    assert rows["data_parallel"].tolist() == [3]


def test_serving_pipelines_where_tensor_parallelism_ends(by_name):
    tensor, pipeline = by_name["tensor_parallel"], by_name["pipeline_parallel"]
    ctx = context(LARGE, (HOPPER,), counts=(8,))
    _, no = run(pipeline, ctx, 2)
    assert no.all()
    rows, no = run(pipeline, ctx, 2, nodes=2, before=[(tensor, 8)])
    assert not no.any()
    assert rows["data_parallel"].tolist() == [1]
    pinned = context(LARGE, (HOPPER,), counts=(8,), techniques=("pp=2",))
    _, no = run(pipeline, pinned, 2)
    assert not no.any()


def test_stages_are_at_most_the_blocks(by_name):
    few = transformer(blocks=3, name="three blocks")
    assert list(by_name["pipeline_parallel"].settings(context(few, (HOPPER,), counts=(8,)))) == [2]
    ctx = context(few, (HOPPER,), counts=(8,), techniques=("pipeline_parallel=4",))
    _, no = run(by_name["pipeline_parallel"], ctx, 4)
    assert no.all()


def test_virtual_stages_need_a_pipeline(by_name):
    ctx = context(LARGE, (HOPPER,), counts=(8,), task="train", techniques=("pp=4", "vp=2"))
    pipeline, virtual = by_name["pipeline_parallel"], by_name["virtual_stages"]
    _, no = run(virtual, ctx, 2)
    assert no.all()
    rows, no = run(virtual, ctx, 2, before=[(pipeline, 4)])
    assert not no.any()
    assert rows["virtual_stages"].tolist() == [2]


def test_experts_spread_over_tensor_or_all_replicas_in_serving(by_name):
    ctx = context(MIXTRAL, (HOPPER,), counts=(8,))
    tensor, experts = by_name["tensor_parallel"], by_name["expert_parallel"]
    assert list(experts.settings(ctx)) == [2, 4, 8]
    outcomes = {size: not run(experts, ctx, size, before=[(tensor, 2)])[1].any() for size in (2, 4, 8)}
    assert outcomes == {2: True, 4: False, 8: True}
    assert not experts.settings(context(LLAMA_7B, (HOPPER,), counts=(8,)))
    _, no = run(experts, context(LLAMA_7B, (HOPPER,), counts=(8,)), 2)
    assert no.all()


def test_experts_divide_evenly(by_name):
    ctx = context(MIXTRAL, (HOPPER,), counts=(8,), max_nodes=4, techniques=("ep=16",), task="train")
    _, no = run(by_name["expert_parallel"], ctx, 16, nodes=2)
    assert no.all()


def test_zero_needs_training_and_replicas(by_name):
    ctx = context(LARGE, (HOPPER,), counts=(8,), task="train")
    tensor = by_name["tensor_parallel"]
    for stage, name in ((1, "zero1"), (2, "zero2"), (3, "zero3")):
        technique = by_name[name]
        assert technique.settings(ctx)
        assert not technique.settings(context(LARGE, (HOPPER,), counts=(8,)))
        assert not technique.settings(context(CLASSIFIER, (HOPPER,), counts=(8,), task="train"))
        rows, no = run(technique, ctx, "")
        assert not no.any()
        assert rows["shard_stage"].tolist() == [stage]
        _, no = run(technique, ctx, "", before=[(tensor, 8)])
        assert no.all()
    assert "fsdp" in by_name["zero3"].aliases


def test_recompute_levels(by_name):
    recompute = by_name["recompute"]
    ctx = context(LARGE, (HOPPER,), counts=(8,), task="train")
    assert list(recompute.settings(ctx)) == ["selective", "full"]
    assert run(recompute, ctx, "full")[0]["recompute"].tolist() == [2]
    assert not recompute.settings(context(LARGE, (HOPPER,), counts=(8,)))
    with pytest.raises(InputError, match="selective"):
        run(recompute, ctx, "some")


def test_context_parallel_for_long_sequences(by_name):
    technique = by_name["context_parallel"]
    assert not technique.settings(context(LARGE, (HOPPER,), counts=(8,), task="train", seq_len=8192))
    long = context(LARGE, (HOPPER,), counts=(8,), task="train", seq_len=131072)
    assert list(technique.settings(long)) == [2, 4, 8, 16]
    rows, no = run(technique, long, 4)
    assert not no.any()
    assert rows["data_parallel"].tolist() == [2]


def test_a_degree_that_is_no_number_is_the_users_error(by_name):
    ctx = context(LARGE, (HOPPER,), counts=(8,))
    for bad in ("many", "0", -2):
        with pytest.raises(InputError, match="tensor_parallel"):
            run(by_name["tensor_parallel"], ctx, bad)


@pytest.mark.parametrize("task", ["serve", "train"])
def test_product_of_degrees_is_the_devices(by_name, task):
    """Whatever legal layout is left, its degrees multiply to the devices of the unit."""
    ctx = context(MIXTRAL, (HOPPER, AMPERE), counts=(1, 4, 8), task=task, seq_len=65536)
    for nodes in (1, 2, 4):
        for size in (1, 2, 4, 8):
            for parts in (1, 2):
                for stages in (1, 2, 4):
                    rows, no = run(by_name["pipeline_parallel"], ctx, stages, nodes=nodes, before=[
                        (by_name["tensor_parallel"], size), (by_name["context_parallel"], parts)])  # fmt: skip
                    product = rows["tensor_parallel"] * rows["pipeline_parallel"] * rows["context_parallel"]
                    assert (no | (product * rows["data_parallel"] == rows["device_count"])).all()
