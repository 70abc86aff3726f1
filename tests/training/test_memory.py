"""Training memory by part: properties, and figures worked by hand from the papers."""

import numpy as np
import pytest

from advisor import Advisor
from advisor.columns import MEMORY_PARTS
from advisor.estimating import memory
from advisor.expand import make_schema, start_rows
from advisor.optimizers import optimizer_bytes

GIB = 2.0**30


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def rows_of(advisor, model, on="8xh100", count=1, columns=None, **fields):
    """A table of ``count`` rows of one system with columns set, and its memory filled in."""
    from advisor.api import _workload
    from advisor.hardware import find_system

    system, nodes = find_system(advisor.registry, on, frozenset())
    workload = _workload(None, {"task": "train", "seq_len": 2048, "framework": "megatron", **fields})
    context = advisor._context(advisor.read(model), workload, "", only=system)
    schema = make_schema(advisor.registry.techniques, [])
    rows = start_rows(context, schema, np.zeros(count, dtype=int), np.full(count, nodes))
    rows["micro_batch"] = 1.0
    rows["global_batch"] = rows["data_parallel"].astype(float)
    for name, value in (columns or {}).items():
        rows[name] = value
    backend = advisor.registry.backends["gpu"]
    assert memory(backend, rows, context, "test")
    return rows


def test_parts_sum(advisor):
    rows = rows_of(advisor, "mistralai/Mixtral-8x7B-v0.1", count=3, columns={"shard_stage": np.array([0, 2, 3], "i1")})
    assert rows["memory"] == pytest.approx(sum(rows[column.name] for column in MEMORY_PARTS))


@pytest.mark.parametrize("model", ["meta-llama/Llama-3.1-8B", "mistralai/Mixtral-8x7B-v0.1"])
@pytest.mark.parametrize("framework", ["", "megatron", "deepspeed", "litgpt"])
def test_zero_never_takes_more_at_a_higher_stage(advisor, model, framework):
    """On 64 devices, where what is gathered for a while is less than what is shared."""
    rows = rows_of(advisor, model, "8xdgx-h100", 4, {"shard_stage": np.arange(4, dtype="i1")}, framework=framework)
    assert (np.diff(rows["memory"]) <= 0).all(), rows["memory"]


def test_zero_divides_by_the_replicas(advisor):
    """Rajbhandari et al. 2020, table 1: 7.5 B parameters on 64 devices take 120, 31.4, 16.6 and 1.9 GB of state."""
    rows = rows_of(advisor, "meta-llama/Llama-3.1-8B", "8xdgx-h100", 4, {"shard_stage": np.arange(4, dtype="i1")},
                   framework="")  # fmt: skip
    state = rows["memory_weights"] + rows["memory_gradients"] + rows["memory_optimizer"]
    assert state / advisor.read("meta-llama/Llama-3.1-8B").parameters == pytest.approx(
        np.array([120, 31.4, 16.6, 1.9]) / 7.5, rel=0.02
    )


def test_gradients_take_the_place_of_activations(advisor):
    """torch frees gradients after each step: they are not there yet when forward ends, unless they are added up."""
    def parts(batch, framework):
        rows = rows_of(advisor, "meta-llama/Llama-3.2-1B", "1xh100", columns={"global_batch": batch},
                       framework=framework)  # fmt: skip
        return {name: rows[f"memory_{name}"][0] for name in ("gradients", "activations", "buffers")}, rows["memory"][0]

    once, peak = parts(1.0, "torchtune")
    several, more = parts(8.0, "torchtune")
    parameters = advisor.read("meta-llama/Llama-3.2-1B").parameters
    assert once["gradients"] == 0
    assert several["gradients"] == pytest.approx(2 * parameters, rel=0.01)
    assert more - peak == pytest.approx(2 * parameters, rel=0.01)
    held, _ = parts(1.0, "megatron")
    assert held["gradients"] == pytest.approx(4 * parameters, rel=0.01)


def test_the_optimizers_step_can_be_the_peak(advisor):
    """With hardly any activations, torch's AdamW over lists holds one more state at its step; fused it does not."""
    def peak(framework):
        rows = rows_of(advisor, "meta-llama/Llama-3.2-1B", "1xh100", framework=framework, seq_len=16,
                       columns={"recompute": np.int8(2)})  # fmt: skip
        return rows["memory"][0], rows["memory_activations"][0]

    parameters = advisor.read("meta-llama/Llama-3.2-1B").parameters
    (listed, kept), (fused, _) = peak("transformers"), peak("torchtune")
    assert kept == 0
    assert listed - fused == pytest.approx(4 * parameters, rel=0.05)


def test_gradients_of_several_micro_batches_are_whole_without_exchange(advisor):
    """Under torch's no_sync the replicas share gradients at the last micro-batch only."""
    columns = {"global_batch": np.array([8.0, 64.0]), "shard_stage": np.int8(3), "recompute": np.int8(2)}
    rows = rows_of(advisor, "meta-llama/Llama-3.1-8B", count=2, columns=columns, framework="litgpt")
    parameters = advisor.read("meta-llama/Llama-3.1-8B").parameters
    assert rows["memory_gradients"][1] == pytest.approx(2 * parameters, rel=0.01)
    shared = rows_of(advisor, "meta-llama/Llama-3.1-8B", count=2, columns=columns, framework="torchtune")
    assert shared["memory_gradients"][1] == pytest.approx(rows["memory_gradients"][1] / 8)


def test_recomputation_takes_less(advisor):
    rows = rows_of(advisor, "meta-llama/Llama-3.1-8B", count=3, columns={"recompute": np.arange(3, dtype="i1")})
    assert (np.diff(rows["memory_activations"]) < 0).all()


def test_tensor_parallelism_divides_activations(advisor):
    """With sequence parallelism all of them (Korthikanti et al. 2022, table 2)."""
    degrees = np.array([1, 2, 4, 8])
    rows = rows_of(advisor, "meta-llama/Llama-3.1-8B", count=4,
                   columns={"tensor_parallel": degrees, "data_parallel": 8 // degrees})  # fmt: skip
    assert rows["memory_activations"] * degrees == pytest.approx(np.full(4, rows["memory_activations"][0]), rel=0.01)


def test_block_activations_by_hand(advisor):
    """As Korthikanti et al. 2022, section 4.1, count them, for Llama's block with fused attention and no dropout."""
    one = rows_of(advisor, "meta-llama/Llama-2-13b-hf", columns={"tensor_parallel": 8, "data_parallel": 1})
    tokens, hidden, inner, blocks = 2048, 5120, 13824, 40
    # norms and their outputs 4 h, attention 4 h, gate and up and their product 3 inner, all in 16 bits
    saved = 2 * blocks * tokens * (8 * hidden + 3 * inner)
    working = 2 * tokens * (2 * inner + 2 * hidden)
    logits = 6 * tokens * 32000
    ends = 2 * tokens * hidden  # the last norm
    assert one["memory_activations"] * 8 == pytest.approx(saved + ends + max(working, logits), rel=0.01)


def test_scores_that_are_not_fused_are_held(advisor):
    """Korthikanti et al. 2022, section 4.1: 5 a s bytes a token and layer, which selective recomputation drops."""
    columns = {"recompute": np.array([0, 1], "i1"), "trainable_share": 0.0}
    fused, whole = (rows_of(advisor, "meta-llama/Llama-2-13b-hf", count=2, columns=columns, framework=name)
                    for name in ("megatron", "megatron, eager attention"))  # fmt: skip
    more = whole["memory_activations"] - fused["memory_activations"]
    assert more[0] == pytest.approx(5 * 40 * 2048 * 2048 * 40, rel=0.03)  # and what one block has at work
    assert more[1] < 0.1 * more[0]


@pytest.mark.parametrize(("schedule", "chunks", "held"), [(0, 1, 8), (1, 1, 64), (0, 2, 8 * (1 + 7 / 16)), (2, 1, 8)])
def test_pipelines_hold_as_many_micro_batches_as_their_schedule(advisor, schedule, chunks, held):
    """One forward one backward: as many as stages; GPipe: all; interleaved 1 + (p - 1) / (p m) times as many."""
    from advisor_roofline.activations import in_flight

    rows = rows_of(advisor, "meta-llama/Llama-2-70b-hf", "8xdgx-h100", columns={
        "pipeline_parallel": 8, "data_parallel": 8, "global_batch": 512.0, "virtual_stages": chunks,
        "pipeline_schedule": np.int8(schedule)})  # fmt: skip
    assert in_flight(rows) == pytest.approx([held])


def test_offload_moves_to_the_host(advisor):
    kept = rows_of(advisor, "meta-llama/Llama-3.1-8B", count=3, columns={
        "optimizer_offload": np.array([0.0, 0.5, 1.0]), "shard_stage": np.int8(2)})  # fmt: skip
    assert kept["memory_optimizer"][2] == 0
    assert kept["memory_optimizer"][1] == pytest.approx(kept["memory_optimizer"][0] / 2)
    assert kept["memory_host"][0] == 0
    gone = kept["memory_optimizer"][0] + kept["memory_gradients"][0]
    assert kept["memory_host"][2] == pytest.approx(gone)


def test_offload_does_not_fit_a_host_without_memory(advisor):
    from advisor.estimating import fits

    rows = rows_of(advisor, "meta-llama/Llama-3.1-405B", "1xdgx-h100", columns={
        "optimizer_offload": 1.0, "weight_offload": 1.0, "recompute": np.int8(2)})  # fmt: skip
    assert rows["memory_host"][0] * 8 > 2 * 2**40
    context = advisor._context(advisor.read("meta-llama/Llama-3.1-405B"), _job(), "", only=_system(advisor))
    assert not fits(rows, context).any()


def _job():
    from advisor import Workload

    return Workload(task="train")


def _system(advisor):
    from advisor.hardware import find_system

    return find_system(advisor.registry, "1xdgx-h100", frozenset())[0]


def test_nf4_with_double_quantization_to_the_byte(advisor):
    """QLoRA, section 3: 4 bits, an 8-bit scale each 64 values, an fp32 scale each 256 of those: 4.127 bits."""
    model = advisor.read("meta-llama/Llama-2-7b-hf")
    linear = sum(copies * op.parameters for op, copies in model.operators() if op.quantizable)
    rest = model.parameters - linear
    rows = advisor.estimate(model, "1xa100-80gb", task="finetune", method="qlora", techniques=("qlora",)).rows
    adapters = 2 * rows["adapter_parameters"][0]
    expected = linear * (4 + 8 / 64 + 32 / (64 * 256)) / 8 + 2 * rest + adapters
    assert rows["memory_weights"][0] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("name", "bytes_each"),
    [("sgd", 4), ("momentum", 8), ("adam", 12), ("adamw", 12), ("lion", 8), ("adafactor", 4), ("adamw_bf16", 4),
     ("adamw_8bit", 2 * (1 + 4 / 256)), ("lion_8bit", 1 + 4 / 256), ("sgd_bf16", 0)],
)  # fmt: skip
def test_optimizer_states(name, bytes_each):
    assert optimizer_bytes(name, full_precision=False) == pytest.approx(bytes_each)


def test_muon_has_adams_state_outside_matrices():
    assert optimizer_bytes("muon", full_precision=True, matrix_share=0.75) == pytest.approx(0.75 * 4 + 0.25 * 8)
    assert optimizer_bytes("muon", full_precision=False) == pytest.approx(8)


def test_frameworks_that_never_hold_all_logits(advisor):
    columns = {"recompute": np.int8(2), "trainable_share": 0.0}
    plain, liger = (rows_of(advisor, "meta-llama/Llama-3.1-8B", columns=columns, framework=name)
                    for name in ("transformers", "transformers, liger"))  # fmt: skip
    logits = 2048 * 128256
    assert plain["memory_activations"] - liger["memory_activations"] > 10 * logits
