"""Steady serving at a fixed number of requests in flight: a mix of prefill and decode steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor_roofline.kernels import Work
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime, forward_time


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
    output tokens (times the share that chunking does not hide). A request that arrives waits for the running step, for its own prefill and, like
    in an M/D/1 queue loaded with the share of time spent on prefills, for those before it.
    """
    batch, prompt, output = rows["batch"], rows["input_tokens"], np.maximum(rows["output_tokens"], 1)
    stages = rows["pipeline_parallel"]
    decode = forward_time(rows, context, machine, Work(batch / stages, prompt + output / 2, batch / stages, True))
    one = np.ones(len(rows))
    prefill = forward_time(rows, context, machine, Work(prompt, prompt, one, False))
    occupied = prefill.total / stages
    per_token = decode.total + machine.prefill_interference * (batch - 1) * occupied / output
    share = np.minimum(batch * occupied / (output * per_token + prefill.total), 0.95)
    waiting = share / (2 * (1 - share)) * occupied + 0.5 * decode.total * (batch > 1)
    first = prefill.total + np.where(rows["steady"], waiting, 0.0)
    samples = rows["data_parallel"] * batch / (first + output * per_token)
    return Served(first, per_token, decode, prefill, samples)
