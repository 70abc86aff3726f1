"""Training time: bubbles, exchanges, recomputation and failures, against formulas and as properties."""

import itertools

import numpy as np
import pytest

from advisor import Advisor
from advisor.api import _workload
from advisor.estimating import estimate, memory
from advisor.expand import make_schema, start_rows
from advisor.hardware import find_system
from advisor_roofline.goodput import DEVICE_HOURS_BETWEEN_FAILURES, best_interval, goodput
from advisor_roofline.training import bubble_seconds, recomputed_share, training_step

LLAMA = "meta-llama/Llama-3.1-8B"


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def ask(advisor, model=LLAMA, on="8xdgx-h100", count=1, columns=None, **fields):
    """A table of one system with columns set, its context and backend."""
    system, nodes = find_system(advisor.registry, on, frozenset())
    workload = _workload(None, {"task": "train", "seq_len": 4096, "framework": "megatron", **fields})
    context = advisor._context(advisor.read(model), workload, "", only=system)
    schema = make_schema(advisor.registry.techniques, [])
    rows = start_rows(context, schema, np.zeros(count, dtype=int), np.full(count, nodes))
    rows["global_batch"] = 512.0
    for name, value in (columns or {}).items():
        rows[name] = value
    return rows, context, advisor.registry.backends["gpu"]


def step_of(advisor, **asked):
    rows, context, backend = ask(advisor, **asked)
    return rows, training_step(rows, context, backend.machine(rows, context))


@pytest.mark.parametrize("schedule", [0, 1])
@pytest.mark.parametrize(("stages", "chunks"), [(1, 1), (4, 1), (8, 1), (8, 2), (8, 4)])
def test_bubble_is_exact(advisor, schedule, stages, chunks):
    """Narayanan et al. 2021, section 2.2: (p - 1) (t_f + t_b) / v, for GPipe and one forward one backward alike."""
    rows, _, _ = ask(advisor, columns={"pipeline_parallel": stages, "virtual_stages": chunks,
                                       "pipeline_schedule": np.int8(schedule)})  # fmt: skip
    forward, backward = 0.1, 0.2
    found = bubble_seconds(rows, np.array([forward + backward]), np.array([2.0]))
    assert found == pytest.approx([(stages - 1) * (forward + backward) / chunks])


def test_zero_bubble_by_its_paper(advisor):
    """Qi et al. 2023, table 2: ZB-H1 leaves (p - 1) (T_F + T_B - T_W)."""
    rows, _, _ = ask(advisor, columns={"pipeline_parallel": 8, "pipeline_schedule": np.int8(2)})
    forward, inputs, weights = 0.1, 0.1, 0.1
    found = bubble_seconds(rows, np.array([forward + inputs + weights]), np.array([2.0]))
    assert found == pytest.approx([7 * (forward + inputs - weights)])


def test_share_of_the_bubble(advisor):
    """The bubble over the ideal time is (p - 1) / m (Huang et al. 2019)."""
    columns = {"pipeline_parallel": 4, "data_parallel": 16, "tensor_parallel": 1, "shard_stage": np.int8(1)}
    _, step = step_of(advisor, columns=columns)
    _, ideal = step_of(advisor, columns={**columns, "pipeline_schedule": np.int8(2)})
    count = 512 / 16
    difference = step.launch - ideal.launch  # a third of forward and backward, twice: 2/3 of the bubble
    stage = (step.total - step.launch - step.link - step.host)[0] / count
    assert difference[0] == pytest.approx(3 * stage * 2 / 3, rel=0.25)


def test_with_infinite_links_only_work_is_left(advisor):
    rows, context, backend = ask(advisor, count=3, columns={
        "tensor_parallel": np.array([1, 8, 8]), "context_parallel": np.array([1, 1, 2]),
        "data_parallel": np.array([64, 8, 4]), "shard_stage": np.array([3, 1, 1], "i1")})  # fmt: skip
    machine = backend.machine(rows, context)
    free = {name: np.full(3, np.inf) for name in ("link_bandwidth", "network_bandwidth")}
    zero = {name: np.zeros(3) for name in ("link_latency", "network_latency", "collective_seconds")}
    step = training_step(rows, context, machine.replace(**free, **zero))
    assert step.link == pytest.approx(np.zeros(3), abs=1e-12)
    assert (training_step(rows, context, machine).link > 0).all()


def test_recomputation_adds_at_most_one_forward(advisor):
    rows, context, backend = ask(advisor, count=3, columns={"recompute": np.arange(3, dtype="i1")})
    share = recomputed_share(rows, context)
    assert share[0] == 0
    assert 0 < share[1] < share[2] < 1
    step = training_step(rows, context, backend.machine(rows, context))
    times = step.compute + step.memory
    assert (np.diff(times) > 0).all()
    assert times[2] <= times[0] * 4 / 3 + 1e-9


def test_selective_recomputation_of_gpt_3_costs_what_korthikanti_say(advisor):
    """Korthikanti et al. 2022, section 5: 2.7 % of the FLOPs of GPT-3 forward; attention's are dearer than the rest."""
    shape = {"layers": 96, "hidden_size": 12288, "heads": 96, "kv_heads": 96, "intermediate_size": 49152,
             "vocab": 51200}  # fmt: skip
    from advisor.interfaces import ModelSource
    from advisor.reading import read_source

    model = read_source(advisor.registry, ModelSource("gpt-3", options={"params_b": 175.0, **shape}))
    rows, context, _ = ask(advisor, model=model, seq_len=2048, columns={"recompute": np.int8(1)})
    assert recomputed_share(rows, context)[0] == pytest.approx(0.027 * 1.6 / 2, rel=0.35)


def test_more_devices_never_raise_the_rate_of_each(advisor):
    """At a fixed global batch, whatever layout is best."""
    rates = []
    for nodes in (1, 2, 4, 8, 16):
        rows = advisor.estimate(LLAMA, f"{nodes}xdgx-h100", task="train", seq_len=4096, batch_size=256, layout=("all",),
                                techniques=("bf16",)).rows  # fmt: skip
        rates.append(rows["samples_per_s"].max() / (8 * nodes))
    assert all(after <= before * (1 + 1e-9) for before, after in itertools.pairwise(rates)), rates


def test_offload_costs_time(advisor):
    rows, context, backend = ask(advisor, count=3, columns={
        "optimizer_offload": np.array([0, 1, 0.0]), "activation_offload": np.array([0, 0, 1.0]),
        "recompute": np.int8(2), "shard_stage": np.int8(1)})  # fmt: skip
    step = training_step(rows, context, backend.machine(rows, context))
    assert step.host[1] > step.host[0]
    assert step.total[2] >= step.total[0]


def test_a_faster_link_to_the_host_hides_offload(advisor):
    """GB200's host is 225 GB/s away (its catalog entry), an H100's 25 GB/s over PCIe."""
    from advisor_roofline.links import host_bandwidth

    for system, bandwidth in (("gb200-nvl72", 225e9), ("8xh100", 25e9)):
        rows, context, _ = ask(advisor, on=system)
        assert host_bandwidth(rows, context) == pytest.approx([bandwidth])


def test_networks_of_convolutions_gain_from_channels_last(advisor):
    """Others have next to nothing to reorder."""
    def step(model, framework):
        return advisor.estimate(model, "rtx-3090", task="train", batch_size=128, framework=framework,
                                techniques=("fp16",)).rows["step_time"].min()  # fmt: skip

    def gain(model):
        return step(model, "pytorch") / step(model, "pytorch, channels last")

    assert gain("timm/resnet50") > 1.1
    assert 1.0 <= gain("timm/vit_base_patch16_224") < 1.02


def test_fully_shared_weights_scatter_gradients_alone(advisor):
    """Rajbhandari et al. 2020, section 7: three quarters of the exchanges are gathers and scatters of as much each."""
    from advisor_roofline.training import _exposed_exchange

    rows, context, backend = ask(advisor, columns={
        "data_parallel": 64, "global_batch": 64.0, "shard_stage": np.int8(3)}, framework="")  # fmt: skip
    machine = backend.machine(rows, context)
    nothing = np.zeros(1)
    whole = _exposed_exchange(rows, context, machine, nothing)
    rows["shard_stage"] = np.int8(0)
    assert whole == pytest.approx(1.5 * _exposed_exchange(rows, context, machine, nothing), rel=0.02)


def test_families_fail_as_often_as_their_sources_say(advisor):
    """6.5 failures in 1,000 node-days of 8 A100; 0.08 % of machines of 4 TPUs a day; 419 in 54 days of 16,384 H100."""
    for system, kind, hours in (("8xa100-80gb", "gpu", 8 * 24 * 1000 / 6.5), ("8xh100", "gpu", 54 * 24 * 16384 / 419),
                                ("tpu-v5p", "tpu", 4 * 24 / 0.0008)):  # fmt: skip
        rows, context, _ = ask(advisor, on=system)
        machine = advisor.registry.backends[kind].machine(rows, context)
        assert machine.failure_hours == pytest.approx([hours], rel=1e-3)


def test_a_step_waits_for_its_data_where_the_hosts_are_slower(advisor):
    """512 samples of 200 ms on 8 hosts of 224 processors (the catalog's DGX H100): 57 ms, hidden; of 200 s, 57 s."""
    def step(**settings):
        return step_of(advisor, settings=settings)[1]

    plain, hidden, slow, read = step(), step(input_core_ms=200), step(input_core_ms=200_000), step(input_kb=1e9)
    cpus = find_system(advisor.registry, "8xdgx-h100", frozenset())[0].host_cpus
    assert hidden.total == pytest.approx(plain.total)
    assert slow.total == pytest.approx([512 * 200 / cpus / 8])
    assert read.total == pytest.approx([512 * 1e12 / (2e12 / 16384 * 64)])


def test_a_processor_prepares_its_data_between_steps(advisor):
    def step(**settings):
        return advisor.estimate("timm/resnet18", "1xintel-xeon-8380", task="train", batch_size=64,
                                settings=settings).rows["step_time"].min()  # fmt: skip

    assert step(input_core_ms=10) - step() == pytest.approx(64 * 0.010 / 40, rel=0.01)


def test_young_interval_by_hand():
    """A checkpoint of 50 s and a failure every 10,000 s: every 1,000 s (Young 1974); 10 % lost, half of it each."""
    assert best_interval(np.array([50.0]), np.array([10000.0])) == pytest.approx([1000.0])
    assert goodput(np.array([50.0]), np.array([0.0]), np.array([10000.0]), restart=0.0) == pytest.approx([1 / 1.1])


def test_goodput_of_llama_3(advisor):
    """More than 90 % on 16,384 H100 (Llama Team 2024, section 3.3.4), where 419 failures came in 54 days."""
    rows, context, backend = ask(advisor, "meta-llama/Llama-3.1-405B", "2048xdgx-h100", seq_len=8192, columns={
        "tensor_parallel": 8, "pipeline_parallel": 16, "data_parallel": 128, "shard_stage": np.int8(2),
        "global_batch": 2048.0})  # fmt: skip
    memory(backend, rows, context, "test")
    assert estimate(backend, rows, context, "test")
    assert 0.9 < rows["goodput"][0] < 0.96
    assert pytest.approx(419) == 54 * 24 / (DEVICE_HOURS_BETWEEN_FAILURES / 16384)


def test_failures_lengthen_the_run(advisor):
    ranking = advisor.estimate(LLAMA, "8xdgx-h100", task="train", tokens="100B", layout=("zero=3", "micro=1"))
    rows = ranking.rows
    assert rows["run_time"] == pytest.approx(1e11 / 4096 / rows["samples_per_s"] / rows["goodput"], rel=1e-6)
    assert (rows["goodput"] < 1).all()


def test_training_part_of_a_model_takes_less_time(advisor):
    full, lora, frozen = (advisor.estimate(LLAMA, "8xh100", task="finetune", method=method, techniques=("bf16",),
                                           allow_unrated=True, batch_size=64).rows["step_time"].min()
                          for method in ("full", "lora", "freezing"))  # fmt: skip
    assert lora < full
    assert frozen < full
