"""Latencies of generation at the load that each replica really has, after ``served`` was estimated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor_roofline import batches
from advisor_roofline.kernels import Work
from advisor_roofline.machine import Machine
from advisor_roofline.queueing import Replica, largest_rate, latency
from advisor_roofline.serving import ALONE, decode_step, sequences_held
from advisor_roofline.step import forward_time

#: Decode steps that a new request spends in the queueing model: half of the running one, and its own.
OWN_STEPS = 1.5
#: Load up to which latencies are told apart: closer to all of it they grow without bound.
MOST_LOAD = 0.98
#: Requests in flight at part of the load, over that part of the places: a step is quicker with fewer.
FEWER = 0.7
#: Of the queueing model, whose percentiles are good to some percent.
PRECISION = np.float32
#: Rows worked on at once.
BLOCK = 4096
#: Estimates, and what the queueing model calls them.
TIMES = {"time_to_first_token": "first_token", "time_per_output_token": "per_token", "request_latency": "request"}
#: Load that is planned for at most, and steps of the search for one that keeps within the levels.
PLANNED, RATE_STEPS = 0.8, 4


def at_load(rows: Candidates, context: Context, share: float) -> dict[str, Array]:
    """Seconds that ``share`` of the requests stay below, by estimate, at the ``load`` of each row."""
    if not context.model.generates:
        alone = rows["step_time"] - rows["outside_time"] - (rows["places"] - 1) * rows["decode_slope"]
        load = np.clip(rows["load"], 1e-6, MOST_LOAD)
        met = batches.request_latency(alone, rows["decode_slope"], rows["places"], load)
        return {"request_latency": met.quantile(share) + rows["outside_time"]}
    replica = _replicas(rows, context)
    answer = {name: np.empty(len(rows)) for name in TIMES}
    for start in range(0, len(rows), BLOCK):  # what is worked on stays in the processor's cache
        block = slice(start, start + BLOCK)
        these = replica.take(block)
        load = np.minimum(rows["load"][block], MOST_LOAD).astype(PRECISION)
        met = latency(these, load * these.capacity)
        for name, times in answer.items():
            times[block] = getattr(met, TIMES[name]).quantile(share)
    return answer


def bearable_load(rows: Candidates, context: Context, share: float, bounds: Mapping[str, float]) -> Array:
    """The largest load, at most 80 %, at which ``share`` of the requests keep within the bounds; 0 for none."""
    if not context.model.generates:
        outside, slope, places = rows["outside_time"], rows["decode_slope"], rows["places"]
        alone = rows["step_time"] - outside - (places - 1) * slope
        bound = bounds.get("request_latency", np.inf) - outside
        return batches.bearable_load(alone, slope, places, share, bound, PLANNED)
    replica = _replicas(rows, context)
    levels = {TIMES[name]: bound for name, bound in bounds.items()}
    return largest_rate(replica, **levels, share=share, most=PLANNED, steps=RATE_STEPS) / replica.capacity


def describe_servers(rows: Candidates, context: Context, machine: Machine) -> None:
    """Set the same columns for networks that answer at once: a pass over the batch, and what one more adds to it.

    Of the stages of a pipeline the first takes the next batch while the others work on this one.
    """
    length = rows["sequence_length"] if context.model.unit == "token" else np.ones(len(rows))
    batch, stages = np.maximum(rows["batch"], 1.0), rows["pipeline_parallel"]
    one = np.minimum(forward_time(rows, context, machine, Work(length, length, np.ones(len(rows)), False)).total,
                     rows["step_time"])  # fmt: skip
    rows["places"] = np.floor(batch)
    rows["decode_slope"] = (rows["step_time"] - one) / stages / np.maximum(np.floor(batch) - 1, 1.0)
    rows["outside_time"] = rows["step_time"] * (1 - 1 / stages)


def _replicas(rows: Candidates, context: Context) -> Replica:
    places, slope = rows["places"], rows["decode_slope"]
    columns = {
        "base": rows["step_time"] - slope * places, "slope": slope, "prefill": rows["prompt_time"],
        "places": np.floor(places), "tokens": np.maximum(rows["output_tokens"], 1.0), "outside": rows["outside_time"],
    }  # fmt: skip
    return Replica(**{name: column.astype(PRECISION) for name, column in columns.items()},
                   spread=context.workload.output_spread, prompt_spread=context.workload.input_spread)  # fmt: skip


def describe_replicas(rows: Candidates, context: Context, machine: Machine) -> None:
    """Set the columns that the queueing model sees each replica by.

    ``step_time`` is the decode step with all places taken; a second one, at the number that the load calls for,
    gives its slope. Of a framework's ``waited_steps`` the running step and the own one are in the queueing model.
    """
    batch = np.maximum(np.minimum(rows["batch"], sequences_held(rows, context)), 1.0)
    stages, full = rows["pipeline_parallel"], rows["step_time"]
    few = np.clip(FEWER * rows["load"] * batch, 1.0, np.maximum(batch - 1, 1.0))
    at_few = decode_step(rows, context, machine, few).total
    if "accepted_tokens" in rows:
        at_few = at_few / rows["accepted_tokens"]
    in_flight = rows["data_parallel"] * np.maximum(rows["load"] * batch, 1.0)
    handling = machine.request_seconds * np.maximum(1 - 1 / in_flight, ALONE)
    further = np.maximum(machine.waited_steps - OWN_STEPS, 0.0) * full * (batch > 1)
    prompt = machine.prefill_interference * rows["prefill_time"] / stages
    outside = handling + np.maximum(rows["prefill_time"] - prompt, 0.0) + further
    if "prefill_replicas" in rows:  # prompts hold nobody up that decodes; their queue is that of a full batch
        apart = rows["prefill_replicas"] > 0
        outside = np.where(apart, np.maximum(rows["time_to_first_token"] - full, 0.0), outside)
        prompt = np.where(apart, 1e-6 * full, prompt)
    rows["places"] = batch
    rows["decode_slope"] = np.clip((full - at_few) / np.maximum(batch - few, 1.0), 0.0, 0.999 * full / batch)
    rows["prompt_time"] = prompt
    rows["outside_time"] = outside
