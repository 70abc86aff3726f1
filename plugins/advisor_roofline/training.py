"""Time of one training step: micro-batches through the pipeline, gradients exchanged, optimizer applied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor_roofline.collectives import all_reduce_seconds, gather_seconds
from advisor_roofline.kernels import Work
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime, backward_passes, forward_time

#: Share of a gradient exchange that backward can hide (Li et al. 2020, PyTorch DDP: bucketed overlap).
OVERLAP = 0.8


def training_step(rows: Candidates, context: Context, machine: Machine) -> StepTime:
    """Estimate one optimizer step of the whole unit.

    Pipeline bubbles follow Narayanan et al. 2021: (stages - 1) / virtual stages of a micro-batch's
    stage time. Exchanges between replicas: Rajbhandari et al. 2020 (ZeRO).
    """
    model = context.model
    length = rows["sequence_length"] if model.unit == "token" else np.ones(len(rows))
    sequences = rows["micro_batch"]
    units = sequences * length / rows["context_parallel"]
    work = Work(units, length, sequences, False, all_logits=True)
    both = forward_time(rows, context, machine, work, backward=True)
    forward = both.scaled(1 / (1 + backward_passes(rows)))
    recomputed = np.select([rows["recompute"] == 1, rows["recompute"] >= 2], [0.04, 1.0], 0.0)
    micro = both + forward.scaled(recomputed)
    count = rows["global_batch"] / rows["data_parallel"] / rows["micro_batch"]
    stages = rows["pipeline_parallel"].astype(float)
    step = micro.scaled(count / stages)
    bubble = (stages - 1) / rows["virtual_stages"] * micro.total / stages
    step.launch = step.launch + bubble
    step.link = step.link + _exposed_exchange(rows, context, machine, step.total)
    step.memory = step.memory + _optimizer_seconds(rows, context, machine)
    return step


def _trained(rows: Candidates, context: Context) -> Array:
    parameters = context.model.parameters * rows["trainable_share"] + rows["adapter_parameters"]
    return parameters / rows["tensor_parallel"] / rows["pipeline_parallel"]


def _exposed_exchange(rows: Candidates, context: Context, machine: Machine, step_seconds: Array) -> Array:
    """Exchange between replicas that backward does not hide."""
    replicas = rows["data_parallel"].astype(float)
    spanned = replicas * rows["tensor_parallel"]
    gradients = _trained(rows, context) * rows["gradient_bytes"]
    plain = _across(gradients, replicas, spanned, machine)
    weights = context.model.parameters / rows["tensor_parallel"] / rows["pipeline_parallel"] * rows["weight_bits"] / 8
    count = rows["global_batch"] / replicas / rows["micro_batch"]
    gathers = 2 * gather_seconds(weights, replicas, _spanning(machine, spanned, replicas)) * np.minimum(count, 4)
    total = plain + np.where(rows["shard_stage"] >= 3, gathers, 0.0)
    return np.where(replicas > 1, np.maximum(total - OVERLAP * step_seconds * 0.6, (1 - OVERLAP) * total * 0.25), 0.0)


def _spanning(machine: Machine, spanned: Array, group: Array) -> Machine:
    """The machine as a group sees it whose members lie ``spanned / group`` devices apart."""
    stride = np.maximum(spanned / np.maximum(group, 1), 1)
    return replace(machine, link_domain=np.maximum(np.floor(machine.link_domain / stride), 1))


def _across(message: Array, group: Array, spanned: Array, machine: Machine) -> Array:
    return all_reduce_seconds(message, group, _spanning(machine, spanned, group))


def _optimizer_seconds(rows: Candidates, context: Context, machine: Machine) -> Array:
    """Reading and writing the optimizer's state, gradients and weights once."""
    share = np.where(rows["shard_stage"] >= 1, np.maximum(rows["data_parallel"], 1), 1)
    each = 2 * rows["optimizer_bytes"] + rows["gradient_bytes"] + 2.0
    return _trained(rows, context) / share * each / (machine.bandwidth * machine.bandwidth_efficiency)
