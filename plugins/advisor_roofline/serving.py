"""Steady serving at a fixed number of requests in flight: a mix of prefill and decode steps."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.columns import Column
from advisor.context import Context
from advisor.estimating import USABLE_MEMORY
from advisor_roofline.collectives import send_seconds
from advisor_roofline.kernels import Work
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime, forward_time

#: Share of a framework's time around a request that is left when the request is alone.
ALONE = 0.15
#: Share of their time that replicas which only prefill can be busy, before prompts pile up.
PREFILL_BUSY = 0.9

#: What latencies at a load are made of, for each replica: set with the first of them.
LOAD_COLUMNS = (
    Column("prefill_time", "s", "f8", "prefill of one prompt in one replica", stage="estimate"),
    Column("places", "", "f8", "requests that one replica has room for", 1, stage="estimate"),
    Column("decode_slope", "s", "f8", "what one more request in flight adds to a decode step", stage="estimate"),
    Column("prompt_time", "s", "f8", "what one prompt adds to the step of the others", stage="estimate"),
    Column("outside_time", "s", "f8", "time around a request that holds nobody up", stage="estimate"),
)


class Served(Struct):
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
    decode = decode_step(rows, context, machine, batch)
    together = np.where(rows["static"], batch, 1.0)
    prefill, chunks = prefill_time(rows, context, machine, together)
    if context.model.has_encoder:  # the input goes through the encoder, once; the decoder starts with one token
        positions = context.model.attributes.get("encoder_positions")
        read = np.full(len(rows), float(positions)) if positions else prompt
        encoded = Work(read * together, read, together, False)
        prefill = forward_time(rows, context, machine, encoded, stack="encoder")
    occupied = prefill.total / stages
    others = np.where(rows["static"], 0.0, batch - 1)
    if "accepted_tokens" in rows:
        decode = decode.scaled(1 / rows["accepted_tokens"])  # of one token
    decodes = output > 1  # else prompts alone keep it busy: each waits for all the others (Little's law)
    during = np.where(decodes, others, 0.0)
    if "burst_share" in rows:  # what was waited for before the first token does not hold up decoding as well
        during = during * (1 - np.maximum(rows["burst_share"], 0.0))
    per_token = decode.total + machine.prefill_interference * during * occupied / output
    share = np.minimum(others * occupied / (output * per_token + prefill.total), 0.95)  # an arrival meets the others
    queued = share / (2 * (1 - share)) * occupied
    usual = machine.burst_share
    if "burst_share" in rows:
        usual = np.where(rows["burst_share"] < 0, usual, rows["burst_share"])
    burst = np.where(decodes, usual, 1.0) * others * occupied
    waited = machine.waited_steps * decode.total * ((others > 0) & decodes)
    waiting = np.where(rows["static"], 0.0, np.where(rows["steady"], queued, burst) + waited)
    in_flight = rows["batch"] * rows["data_parallel"]
    handling = machine.request_seconds * np.maximum(1 - 1 / np.maximum(in_flight, 1), ALONE)
    begun = handling + prefill.total + waiting + (chunks - 1) * decode.total * (others > 0)
    samples = rows["data_parallel"] * batch / (begun + np.where(decodes, output, 0.0) * per_token)
    first = begun + (rows["batch"] - batch) * rows["data_parallel"] / samples
    if "prefill_replicas" in rows:
        together_or_apart = zip(
            disaggregated(rows, context, machine, decode.total, prefill.total, handling),
            (first, per_token, samples), strict=True,
        )  # fmt: skip
        first, per_token, samples = (np.where(rows["prefill_replicas"] > 0, apart, both)
                                     for apart, both in together_or_apart)  # fmt: skip
    return Served(first, per_token, decode, prefill, samples)


def decode_step(rows: Candidates, context: Context, machine: Machine, number: Array) -> StepTime:
    """One decode step of ``number`` requests in each replica, with the passes of a draft before it.

    A step that verifies drafted tokens computes them all, and reads weights and cache once (Leviathan et al. 2023).
    A draft's pass is to the model's what its weights are, its launches what its layers are.
    """
    stages = rows["pipeline_parallel"]
    length = rows["input_tokens"] + np.maximum(rows["output_tokens"], 1) / 2
    if "verified_tokens" not in rows:
        return forward_time(rows, context, machine, Work(number / stages, length, number / stages, True))
    verified = rows["verified_tokens"]
    work = Work(number * verified / stages, length, number / stages, True, all_logits=True)
    step = forward_time(rows, context, machine, work)
    passes, share = rows["draft_passes"], rows["draft_passes"] * rows["draft_share"]
    launched = passes * rows["draft_depth"]
    draft = StepTime(step.compute * share / verified, step.memory * share, step.link * launched / verified,
                     step.launch * launched, np.zeros(len(rows)), step.flops * share / verified)  # fmt: skip
    return step + draft


def prefill_time(rows: Candidates, context: Context, machine: Machine, together: Array) -> tuple[StepTime, Array]:
    """Prefill of one prompt (of ``together`` at once), and the number of chunks that it is cut into."""
    prompt = rows["input_tokens"]
    computed = prompt * rows["prefill_share"] if "prefill_share" in rows else prompt
    if "prefill_chunk" not in rows:
        return forward_time(rows, context, machine, Work(computed * together, prompt, together, False)), np.ones(1)
    chunk = rows["prefill_chunk"]
    chunks = np.where(chunk > 0, np.ceil(computed / np.maximum(chunk, 1)), 1.0)
    each = computed / chunks  # meets half of what it belongs to on average, and what was found in a cache
    met = prompt - computed + (computed + each) / 2
    work = Work(each * together, met, together, False)
    return forward_time(rows, context, machine, work).scaled(chunks), chunks


def disaggregated(
    rows: Candidates, context: Context, machine: Machine, step: Array, prefill: Array, handling: Array
) -> tuple[Array, Array, Array]:
    """First token, time per token and requests a second where some replicas prefill and the others decode.

    Decoding is held up by no prefill; the slower of the two kinds sets the rate; a prompt queues for a prefill
    replica (M/D/1), and its cache is sent on (Zhong et al. 2024, DistServe; Patel et al. 2024, Splitwise).
    """
    output = np.maximum(rows["output_tokens"], 1)
    batch = np.minimum(rows["batch"], sequences_held(rows, context))
    helpers = rows["prefill_replicas"]
    decoders = np.maximum(rows["data_parallel"] - helpers, 1.0)
    occupied = prefill / rows["pipeline_parallel"]
    sent = rows["memory_cache"] / rows["batch"] * rows["input_tokens"] / (rows["input_tokens"] + output)
    transfer = send_seconds(sent, machine, rows["device_count"].astype(float))
    decoding = decoders * batch / (handling + transfer + output * step)
    prefilling = np.where(helpers > 0, PREFILL_BUSY * np.maximum(helpers, 1) / occupied, np.inf)
    samples = np.minimum(decoding, prefilling)
    busy = np.minimum(samples * occupied / np.maximum(helpers, 1), PREFILL_BUSY)
    first = handling + prefill + busy / (2 * (1 - busy)) * occupied + transfer + step
    return first, step, samples


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
