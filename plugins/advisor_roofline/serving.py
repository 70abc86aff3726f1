"""Steady serving at a fixed number of requests in flight: a mix of prefill and decode steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import Column
from advisor.context import Context
from advisor.estimating import USABLE_MEMORY
from advisor_roofline.kernels import Work
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime, forward_time

#: Share of a framework's time around a request that is left when the request is alone.
ALONE = 0.15

#: What latencies at a load are made of, for each replica: set with the first of them.
LOAD_COLUMNS = (
    Column("prefill_time", "s", "f8", "prefill of one prompt in one replica", stage="estimate"),
    Column("places", "", "f8", "requests that one replica has room for", 1, stage="estimate"),
    Column("decode_slope", "s", "f8", "what one more request in flight adds to a decode step", stage="estimate"),
    Column("prompt_time", "s", "f8", "what one prompt adds to the step of the others", stage="estimate"),
    Column("outside_time", "s", "f8", "time around a request that holds nobody up", stage="estimate"),
)


@dataclass
class Served:
    """Times of one replica: first token, each further one, and the decode step with its parts."""

    first_token: Array
    per_token: Array
    decode: StepTime
    prefill: StepTime
    samples_per_s: Array


def served(rows: Candidates, context: Context, machine: Machine) -> Served:
    """Estimate continuous batching with ``batch`` requests in flight in each replica.

    While a request decodes its ``output_tokens``, each of the others starts over once on average, so
    that their prefills stretch its steps: time per output token = decode + (batch - 1) x prefill /
    output tokens (times the share that chunking does not hide). A request that arrives waits for the
    framework, the running step and its own prefill; and for the prefills before it: steadily, as in an M/D/1
    queue that is loaded with the
    share of time spent on prefills; in a benchmark that starts all requests at once, for a part of that
    burst. Requests beyond what the cache holds queue for a place (Little's law).
    """
    prompt, output = rows["input_tokens"], np.maximum(rows["output_tokens"], 1)
    batch = np.minimum(rows["batch"], sequences_held(rows, context))
    stages = rows["pipeline_parallel"]
    decode = forward_time(rows, context, machine, Work(batch / stages, prompt + output / 2, batch / stages, True))
    together = np.where(rows["static"], batch, 1.0)
    prefill = forward_time(rows, context, machine, Work(prompt * together, prompt, together, False))
    if context.model.has_encoder:  # the input goes through the encoder, once; the decoder starts with one token
        positions = context.model.attributes.get("encoder_positions")
        read = np.full(len(rows), float(positions)) if positions else prompt
        encoded = Work(read * together, read, together, False)
        prefill = forward_time(rows, context, machine, encoded, stack="encoder")
    occupied = prefill.total / stages
    others = np.where(rows["static"], 0.0, batch - 1)
    per_token = decode.total + machine.prefill_interference * others * occupied / output
    share = np.minimum(batch * occupied / (output * per_token + prefill.total), 0.95)
    queued = share / (2 * (1 - share)) * occupied
    burst = machine.burst_share * others * occupied
    waited = machine.waited_steps * decode.total * (others > 0)
    waiting = np.where(rows["static"], 0.0, np.where(rows["steady"], queued, burst) + waited)
    in_flight = rows["batch"] * rows["data_parallel"]
    handling = machine.request_seconds * np.maximum(1 - 1 / np.maximum(in_flight, 1), ALONE)
    begun = handling + prefill.total + waiting
    samples = rows["data_parallel"] * batch / (begun + output * per_token)
    first = begun + (rows["batch"] - batch) * rows["data_parallel"] / samples
    return Served(first, per_token, decode, prefill, samples)


def sequences_held(rows: Candidates, context: Context) -> Array:
    """Sequences whose cache fits beside the weights, half generated on average.

    Infinite where nothing is cached, the memory columns were not filled, or not even one fits: the
    candidate is infeasible then, and its time is that of one that had the memory.
    """
    if "memory_weights" not in rows:
        return np.full(len(rows), np.inf)
    capacity = USABLE_MEMORY * context.devices.memory_bytes[rows["device"]]
    taken = rows["memory_weights"] + rows["memory_activations"] + rows["memory_overhead"]
    length = rows["input_tokens"] + rows["output_tokens"]
    average = (rows["input_tokens"] + 0.5 * rows["output_tokens"]) / length
    each = rows["memory_cache"] / rows["batch"] * average
    with np.errstate(divide="ignore"):
        held = np.floor((capacity - taken) / each)
    return np.where(held >= 1, held, np.inf)
