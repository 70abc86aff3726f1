"""Time of one training step: micro-batches through the pipeline, gradients exchanged, optimizer applied."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.operators import Attention, ExpertMatMul
from advisor_roofline.activations import ZERO_BUBBLE, kept_activations
from advisor_roofline.collectives import all_reduce_seconds, gather_seconds
from advisor_roofline.kernels import Work
from advisor_roofline.links import host_bandwidth
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime, backward_passes, forward_time

#: Parameters a second that the processors of one host update with Adam: from ZeRO-3 with the optimizer on the host,
#: Llama 3.1 8B on 8 H200 (stas00/ml-engineering 2026): 1.8 s of its step. Ren et al. 2021 (ZeRO-Offload) have as many.
HOST_UPDATES_PER_SECOND = 4.5e9
#: Rate of matrix products over that of attention's, for the share of the forward pass that attention is.
ATTENTION_COST = 1.6


def training_step(rows: Candidates, context: Context, machine: Machine) -> StepTime:
    """Estimate one optimizer step of the whole unit.

    Exchanges between replicas: Rajbhandari et al. 2020 (ZeRO). Stages of a pipeline are as long as the fullest.
    """
    model = context.model
    length = rows["sequence_length"] + rows["virtual_tokens"] if model.unit == "token" else np.ones(len(rows))
    sequences = rows["micro_batch"]
    units = sequences * length / rows["context_parallel"]
    work = Work(units, length, sequences, False, all_logits=True)
    both = forward_time(rows, context, machine, work, backward=True)
    passes = backward_passes(rows)
    forward = both.scaled(1 / (1 + passes))
    micro = both + forward.scaled(recomputed_share(rows, context))
    micro.memory = micro.memory + _adapter_seconds(rows, machine)
    count = rows["global_batch"] / rows["data_parallel"] / rows["micro_batch"]
    stages, blocks = rows["pipeline_parallel"].astype(float), max(model.blocks, 1)
    longest = np.where(stages > 1, np.ceil(blocks / stages) * stages / blocks, 1.0)
    stage = micro.scaled(longest / stages)
    step = stage.scaled(count)
    step.launch = step.launch + bubble_seconds(rows, stage.total, passes)
    step.link = step.link + _exposed_exchange(rows, context, machine, step.total)
    step.link = step.link + count * _offload_seconds(rows, context, stage.total)
    step.memory = step.memory + _optimizer_seconds(rows, context, machine)
    step.host = step.host + _host_update_seconds(rows, context)
    if context.workload.settings:
        from advisor_roofline.input_pipeline import input_seconds

        step.host = step.host + input_seconds(rows, context, step.total)
    return step


def bubble_seconds(rows: Candidates, stage_seconds: Array, passes: Array) -> Array:
    """Time that a pipeline is not full: (stages - 1) forward and backward passes of a micro-batch through a stage.

    The same for all forward then all backward (Huang et al. 2019) and one forward one backward; interleaved chunks
    divide it (Narayanan et al. 2021, section 2.2). Zero bubble fills it with weight gradients, which leaves
    (stages - 1) (forward + input gradients - weight gradients) (Qi et al. 2023, ZB-H1).
    """
    stages = rows["pipeline_parallel"].astype(float)
    weight_gradients = np.maximum(passes - 1.0, 0.0) / (1.0 + passes)  # share of forward and backward
    left = np.where(rows["pipeline_schedule"] == ZERO_BUBBLE, 1.0 - 2.0 * weight_gradients, 1.0)
    return (stages - 1.0) / rows["virtual_stages"] * stage_seconds * left


def recomputed_share(rows: Candidates, context: Context) -> Array:
    """Share of the forward pass that backward does again: attention's core, or all but embedding and output."""
    model = context.model
    length = rows["sequence_length"] if model.unit == "token" else np.ones(len(rows))
    attention, inside, output = np.zeros(len(rows)), 0.0, 0.0
    for op, copies in model.operators():
        if isinstance(op, Attention):
            attention = attention + ATTENTION_COST * copies * op.flops(1.0, length / 2 if op.causal else length)
        elif op.last_unit_only:
            output += copies * float(op.flops(1.0, 0))
        else:
            inside += copies * float(op.flops(1.0, 0))
    whole = attention + inside + output
    whole = np.where(whole > 0, whole, 1.0)
    return np.select([rows["recompute"] == 1, rows["recompute"] >= 2], [attention / whole, 1.0 - output / whole], 0.0)


def _trained(rows: Candidates, context: Context) -> Array:
    """Trained parameters of one device of a replica, experts divided over their own group."""
    model = context.model
    experts = sum(copies * op.parameters for op, copies in model.operators() if isinstance(op, ExpertMatMul))
    tensor = rows["tensor_parallel"]
    parameters = (model.parameters - experts) / tensor + experts / np.maximum(tensor, rows["expert_parallel"])
    return (parameters * rows["trainable_share"] + rows["adapter_parameters"] / tensor) / rows["pipeline_parallel"]


def _exposed_exchange(rows: Candidates, context: Context, machine: Machine, step_seconds: Array) -> Array:
    """Exchange between replicas that backward does not hide."""
    replicas = rows["data_parallel"] * rows["context_parallel"].astype(float)
    spanned = replicas * rows["tensor_parallel"]
    gradients = _trained(rows, context) * rows["gradient_bytes"]
    plain = _across(gradients, replicas, spanned, machine)
    weights = context.model.parameters / rows["tensor_parallel"] / rows["pipeline_parallel"] * rows["weight_bits"] / 8
    count = rows["global_batch"] / rows["data_parallel"] / rows["micro_batch"]
    gathers = 2 * gather_seconds(weights, replicas, _spanning(machine, spanned, replicas)) * count
    # Fully shared weights are gathered for forward and backward, so that gradients are scattered alone.
    total = np.where(rows["shard_stage"] >= 3, gathers + 0.5 * plain, plain)
    beside = np.where(rows["shard_stage"] >= 3, 1.0, 0.6)  # gathers hide behind forward too
    overlap = machine.exchange_overlap
    exposed = np.maximum(total - overlap * step_seconds * beside, (1 - overlap) * total * 0.25)
    return np.where(replicas > 1, exposed, 0.0)


def _spanning(machine: Machine, spanned: Array, group: Array) -> Machine:
    """The machine as a group sees it whose members lie ``spanned / group`` devices apart."""
    stride = np.maximum(spanned / np.maximum(group, 1), 1)
    return machine.replace(link_domain=np.maximum(np.floor(machine.link_domain / stride), 1))


def _across(message: Array, group: Array, spanned: Array, machine: Machine) -> Array:
    return all_reduce_seconds(message, group, _spanning(machine, spanned, group))


def _shards(rows: Candidates) -> Array:
    """Devices that share one optimizer state."""
    replicas = np.maximum(rows["data_parallel"] * rows["context_parallel"], 1)
    return np.where(rows["shard_stage"] >= 1, replicas, 1)


def _optimizer_seconds(rows: Candidates, context: Context, machine: Machine) -> Array:
    """Reading and writing the optimizer's state, gradients and weights once, on the device."""
    each = 2 * rows["optimizer_bytes"] + rows["gradient_bytes"] + 2.0
    seconds = _trained(rows, context) / _shards(rows) * each / (machine.bandwidth * machine.bandwidth_efficiency)
    return seconds * machine.optimizer_passes * (1.0 - rows["optimizer_offload"])


def _adapter_seconds(rows: Candidates, machine: Machine) -> Array:
    """Reading and writing what adapters make of their weights for each micro-batch."""
    return rows["adapter_traffic_bytes"] / rows["tensor_parallel"] / (machine.bandwidth * machine.bandwidth_efficiency)


def _host_update_seconds(rows: Candidates, context: Context) -> Array:
    """Gradients to the host, an update there by the processors that its devices share, and weights back."""
    mine = _trained(rows, context) / _shards(rows)
    together = mine * context.systems.device_count[rows["system"]]
    moved = mine * 2 * 2.0 / host_bandwidth(rows, context)
    return rows["optimizer_offload"] * (together / HOST_UPDATES_PER_SECOND + moved)


def _offload_seconds(rows: Candidates, context: Context, stage_seconds: Array) -> Array:
    """Transfers of activations and weights to and from the host that a micro-batch's work does not hide."""
    if not (rows["activation_offload"].any() or rows["weight_offload"].any()):
        return np.zeros(len(rows))
    activations = 2 * kept_activations(rows, context).micro * rows["activation_offload"]
    width = np.minimum(rows["weight_bits"] / 8, 2.0)
    weights = 2 * _trained(rows, context) / np.where(rows["shard_stage"] >= 3, _shards(rows), 1) * width
    seconds = (activations + weights * rows["weight_offload"]) / host_bandwidth(rows, context)
    return np.maximum(seconds - stage_seconds, 0.0)
