"""One layout and all layouts, as a user asks for them."""

import json
from itertools import product

import pytest
from click.testing import CliRunner

from advisor import Advisor
from advisor.cli.main import cli
from advisor.errors import AdvisorError

LLAMA = "meta-llama/Llama-3.1-8B"


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


@pytest.fixture
def run():
    return lambda *words: CliRunner().invoke(cli, [*words])


def estimate(advisor, layout, model=LLAMA, on="8xdgx-h100", **fields):
    job = {"task": "train", "seq_len": 8192, "batch_size": 256, "techniques": ("bf16",), **fields}
    return advisor.estimate(model, on, layout=layout, **job)


def test_a_layout_is_followed_to_the_letter(advisor):
    rows = estimate(advisor, ("tp=4", "pp=2", "zero=1", "recompute=full", "micro=2")).rows
    assert set(rows["tensor_parallel"]) == {4}
    assert set(rows["pipeline_parallel"]) == {2}
    assert set(rows["data_parallel"]) == {8}
    assert set(rows["shard_stage"]) == {1}
    assert set(rows["recompute"]) == {2}
    assert set(rows["micro_batch"]) == {2}


def test_what_a_layout_does_not_name_is_off(advisor):
    rows = estimate(advisor, ("tp=8",)).rows
    for name, off in (("pipeline_parallel", 1), ("context_parallel", 1), ("shard_stage", 0), ("recompute", 0)):
        assert set(rows[name]) == {off}, name


@pytest.mark.parametrize(
    ("layout", "rule"),
    [
        (("tp=3",), "does not divide 32 heads"),
        (("tp=16",), "beyond the devices that the fast link joins"),
        (("pp=5",), "does not divide the model's 32 blocks"),
        (("tp=8", "pp=4", "vp=3"), "stages x chunks do not divide"),
        (("pp=1", "vp=2"), "interleaved stages need pipeline_parallel"),
        (("cp=3",), "the sequence does not divide into 2 x 3 chunks"),
        (("tp=8", "pp=16"), "exceeds the devices"),
        (("ep=2",), "the model has no experts"),
        (("tp=8", "dp=4"), "data_parallel=4, but the other degrees and the devices leave 8"),
        (("tp=8", "zero=1", "micro=3"), "does not divide the 256 samples"),
        (("tp=8", "pp=8", "vp=2", "micro=64"), "a multiple of the stages in micro-batches"),
        (("tp=many",), "expected a whole number of devices"),
        (("tensor=2",), "unknown technique"),
        (("all", "tp=2"), "all stands alone"),
        (("micro=2", "mbs=4"), "one micro-batch"),
        (("micro",), "micro"),
    ],
)
def test_illegal_layouts_are_refused_with_their_rule(run, layout, rule):
    result = run("estimate", LLAMA, "--on", "8xdgx-h100", "--task", "train", "--seq-len", "8192", "--batch-size", "256",
                 "--layout", ",".join(layout))  # fmt: skip
    assert result.exit_code == 2
    assert rule in result.stderr, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_experts_divide(advisor):
    with pytest.raises(AdvisorError, match="expert_parallel=3 does not divide 8 experts"):
        estimate(advisor, ("ep=3",), "mistralai/Mixtral-8x7B-v0.1")


def test_llama_3_counts_embedding_and_output_as_blocks(advisor):
    """126 blocks in 16 stages of 8, as section 3.3.2 of the Llama 3 paper trains them; 12 stages are refused."""
    rows = estimate(advisor, ("tp=8", "pp=16", "zero=1", "recompute=full"), "meta-llama/Llama-3.1-405B",
                    on="128xdgx-h100").rows  # fmt: skip
    assert len(rows)
    with pytest.raises(AdvisorError, match="pipeline_parallel=12"):
        estimate(advisor, ("tp=8", "pp=12"), "meta-llama/Llama-3.1-405B", on="96xdgx-h100")


def legal_layouts(devices, node, batch, length, heads, blocks):
    """Every legal layout of a dense model, counted one by one."""
    for tp, pp, vp, cp in product((1, 2, 4, 8), range(1, blocks + 1), range(1, blocks + 1), (1, 2, 4, 8, 16, 32)):
        dp, rest = divmod(devices, tp * pp * cp)
        if rest or dp < 1 or heads % tp or tp > node or length % (2 * cp) or (pp == 1 and vp > 1):
            continue
        if not any((blocks + ends) % (pp * vp) == 0 for ends in range(3)) or pp * vp > blocks + 2:
            continue
        if pp > 1 and not any((blocks + ends) % pp == 0 for ends in range(3)):
            continue
        for micro in range(1, 65):
            if batch % (dp * micro) or (vp > 1 and batch // (dp * micro) % pp):
                continue
            for zero, recompute in product(range(4 if dp * cp > 1 else 1), range(3)):
                weights = zero == 3 or dp * cp == 1  # may go to the host
                for offload in product((0, 1), (0, 1) if weights else (0,), (0, 1) if recompute == 2 else (0,)):
                    yield tp, pp, vp, cp, dp, micro, zero, recompute, offload


def test_the_search_tries_every_legal_layout_once(run):
    """Against a count in plain loops: 16 devices in 2 nodes, Llama-3.1-8B's 32 heads and 32 blocks."""
    result = run("layouts", LLAMA, "--on", "2xdgx-h100", "--seq-len", "8192", "--batch-size", "64", "--limit", "3",
                 "--technique", "bf16", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["legal"] == len(list(legal_layouts(16, 8, 64, 8192, 32, 32)))
    assert 0 < answer["fit"] < answer["legal"]
    speeds = [entry["tokens_per_s_per_device"] for entry in answer["layouts"]]
    assert speeds == sorted(speeds, reverse=True)


def test_the_search_is_at_least_as_fast_as_any_layout_named(advisor):
    best = estimate(advisor, ("all",)).rows["samples_per_s"].max()
    for layout in (("tp=2", "zero=1"), ("zero=3", "recompute=full"), ("tp=4", "pp=2", "zero=1")):
        assert estimate(advisor, layout).rows["samples_per_s"].max() <= best * (1 + 1e-12)


def test_layouts_table(run):
    result = run("layouts", "mistralai/Mixtral-8x7B-v0.1", "--on", "4xdgx-h100", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert "legal layouts" in result.stdout
    assert {"tp", "pp", "dp", "micro", "step"} <= set(result.stdout.splitlines()[2].split())
    assert run("layouts", LLAMA, "--on", "8xh100", "--task", "serve").exit_code == 2


def test_a_network_of_samples_is_laid_out_in_samples(run, tmp_path):
    table = tmp_path / "net.json"
    rows = [["linear", 1, 784, 128, 1, 1], ["linear", 1, 128, 1, 1, 1]]
    table.write_text(json.dumps({"layer_table": 1, "family": "net", "input": [784], "weight_format": "fp32",
                                 "stages": [{"name": "all", "rows": rows}]}))  # fmt: skip
    result = run("layouts", str(table), "--on", "2xh100", "--limit", "0", "--batch-size", "32")
    assert result.exit_code == 0, result.output
    assert "samples/s/device" in result.stdout


def test_the_default_batch_is_made_whole(advisor):
    """72 devices do not divide four million tokens: the default step is rounded to whole micro-batches."""
    rows = advisor.estimate(LLAMA, "dgx-gb200-nvl72", task="train", techniques=("zero3",)).rows
    assert len(rows)
    assert not (rows["global_batch"] % (rows["data_parallel"] * rows["micro_batch"])).any()
