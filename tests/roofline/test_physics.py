"""What must hold of any estimate, over devices and loads drawn at random."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import Advisor
from advisor.devices import Link
from advisor.expand import make_schema, start_rows
from advisor.formats import format_code
from advisor.testing.samples import context_of, decoder, sample_device, sample_systems
from advisor.workload import make_workload
from advisor_roofline.serving import sequences_held

PARTS = ("time_compute", "time_memory", "time_link", "time_launch", "time_host")
EXAMPLES = settings(max_examples=25, deadline=None)
kinds = st.sampled_from(["gpu", "tpu"])
models = st.sampled_from([0, 8])
loads = st.fixed_dictionaries({
    "batch": st.integers(1, 256), "input_tokens": st.integers(16, 8192), "output_tokens": st.integers(1, 2048),
    "tensor_parallel": st.sampled_from([1, 2, 4]), "compute_format": st.sampled_from(["bf16", "fp8"]),
})  # fmt: skip
figures = st.fixed_dictionaries({
    "memory_bandwidth_gb_per_s": st.floats(50, 8000), "bf16": st.floats(5, 2500), "link": st.floats(5, 900),
    "compute_units": st.integers(8, 160),
})  # fmt: skip


@cache
def backend(kind):
    return Advisor().registry.backends[kind]


def device(kind, figures):
    rate = figures["bf16"]
    return sample_device(
        f"made-{kind}", kind=kind, memory_bandwidth_gb_per_s=figures["memory_bandwidth_gb_per_s"],
        peak_tflops={"fp32": rate / 8, "bf16": rate, "fp16": rate, "fp8": 2 * rate},
        compute_units=figures["compute_units"], link=Link(name="made", bandwidth_gb_per_s=figures["link"]),
    )  # fmt: skip


def estimated(kind, figures, experts, *loads):
    """The rows of several loads on one device, four of it in a node, memory and times filled."""
    made = device(kind, figures)
    context = context_of(decoder(experts), make_workload({"task": "serve", "concurrency": 1}), [made],
                         sample_systems([made], (4,)))  # fmt: skip
    schema = make_schema([], list(backend(kind).columns))
    rows = start_rows(context, schema, np.zeros(len(loads), int), np.ones(len(loads)))
    for name in ("batch", "input_tokens", "output_tokens"):
        rows[name] = np.array([float(load[name]) for load in loads])
    rows["tensor_parallel"] = np.array([load["tensor_parallel"] for load in loads], np.int32)
    rows["data_parallel"] = np.array([4 // load["tensor_parallel"] for load in loads], np.int32)
    rows["compute_format"] = np.array([format_code(load["compute_format"]) for load in loads], np.int8)
    narrow = np.array([load["compute_format"] == "fp8" for load in loads])
    rows["weight_format"] = rows["compute_format"]
    rows["requantized"] = narrow
    rows["weight_bits"] = np.where(narrow, 8.0, 16.0)
    with np.errstate(all="ignore"):
        backend(kind).memory(rows, context)
        backend(kind).estimate(rows, context)
    return rows, context


def times(rows):
    names = ("time_to_first_token", "time_per_output_token", "request_latency", "step_time")
    return {name: rows[name] for name in names}


@EXAMPLES
@given(kinds, figures, models, loads, st.sampled_from(["memory_bandwidth_gb_per_s", "bf16", "link"]),
       st.floats(1.01, 8))  # fmt: skip
def test_a_faster_part_is_never_slower(kind, figures, experts, load, part, factor):
    before, _ = estimated(kind, figures, experts, load)
    after, _ = estimated(kind, {**figures, part: figures[part] * factor}, experts, load)
    found = times(after)
    for name, value in times(before).items():
        # At a fixed number in flight faster decoding brings the next prompts sooner, which wait for one another.
        if name != "time_to_first_token" or load["batch"] == 1:
            assert found[name][0] <= value[0] * (1 + 1e-9), name


@EXAMPLES
@given(kinds, figures, models, loads)
def test_parts_add_up_to_the_step(kind, figures, experts, load):
    rows, _ = estimated(kind, figures, experts, load)
    assert sum(rows[part] for part in PARTS)[0] == pytest.approx(rows["step_time"][0])
    assert all(rows[part][0] >= 0 for part in PARTS)


@EXAMPLES
@given(kinds, figures, models, loads)
def test_more_in_flight_never_lowers_the_throughput_before_memory_ends(kind, figures, experts, load):
    # Of few tokens most of the time is the framework's around a request, less of it where it is alone.
    load = {**load, "output_tokens": load["output_tokens"] + 31}
    ladder = [{**load, "batch": batch} for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
    rows, context = estimated(kind, figures, experts, *ladder)
    rate = rows["samples_per_s"][rows["batch"] <= sequences_held(rows, context)]
    # Whole tiles and waves: a step past the edge of one costs up to some percent.
    assert np.all(np.diff(rate) > -0.06 * rate[:-1])


@EXAMPLES
@given(kinds, figures, models, loads, st.integers(2, 16))
def test_a_longer_context_takes_longer_a_token(kind, figures, experts, load, factor):
    rows, _ = estimated(kind, figures, experts, load, {**load, "input_tokens": load["input_tokens"] * factor})
    assert rows["step_time"][1] >= rows["step_time"][0]
    assert rows["time_per_output_token"][1] >= rows["time_per_output_token"][0]
    assert rows["time_to_first_token"][1] >= rows["time_to_first_token"][0]


@EXAMPLES
@given(kinds, figures, models, loads)
def test_twice_every_rate_halves_what_is_no_overhead(kind, figures, experts, load):
    load = {**load, "tensor_parallel": 1}  # a link's latency is no rate
    twice = {name: 2 * value if name != "compute_units" else value for name, value in figures.items()}
    before, _ = estimated(kind, figures, experts, load)
    after, _ = estimated(kind, twice, experts, load)
    for part in ("time_compute", "time_memory"):
        # The ramp of a kernel is a time, so that its bytes grow with the bandwidth.
        assert after[part][0] == pytest.approx(before[part][0] / 2, rel=0.25, abs=40e-6), part
    for part in ("time_launch", "time_host"):
        assert after[part][0] == pytest.approx(before[part][0])


@EXAMPLES
@given(kinds, figures, models, loads)
def test_eight_bits_are_never_slower_than_sixteen_where_native(kind, figures, experts, load):
    rows, _ = estimated(kind, figures, experts, {**load, "compute_format": "bf16"}, {**load, "compute_format": "fp8"})
    for name, value in times(rows).items():
        assert value[1] <= value[0] * (1 + 1e-9), name


@EXAMPLES
@given(kinds, figures, models, loads)
def test_intervals_hold_their_values_and_throughput_is_below_what_steps_allow(kind, figures, experts, load):
    rows, _ = estimated(kind, figures, experts, load)
    for name, value in times(rows).items():
        assert rows[f"{name}.low"][0] < value[0] < rows[f"{name}.high"][0]
    most = rows["data_parallel"] * rows["batch"] / (rows["output_tokens"] * rows["step_time"])
    if load["output_tokens"] > 1:
        assert rows["samples_per_s"][0] <= most[0] * (1 + 1e-9)
