"""Bytes on one device in training, by part: under sharding, pipelines, recomputation and offload.

Weights, gradients and optimizer states are divided as in Rajbhandari et al. 2020 (ZeRO) and Zhao et al. 2023
(FSDP, whose units are gathered whole for a while); activations are in ``advisor_roofline.activations``.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import FORMATS, format_named
from advisor.operators import Embedding
from advisor_roofline.activations import kept_activations
from advisor_roofline.frameworks import framework_figure
from advisor_roofline.held import held_parameters, sharing_replicas
from advisor_roofline.machine import Machine
from advisor_roofline.shapes import devices_sharing

#: Ends of the 80 % interval over the value: what holds 80 % of the measured peaks in tests/truth/train_*.csv, on models
#: that the constants were not fitted on (benchmarks/training_memory.py).
INTERVAL = (0.94, 1.22)


def fill_training_memory(rows: Candidates, context: Context, machine: Machine) -> None:
    """Set the memory parts, as they are at the peak of a step, and what is kept in the host's memory.

    A step peaks at one of three moments: where forward ends at the loss, with all activations and, unless they are
    in buffers or of an earlier micro-batch, no gradients yet; where backward ends, with all gradients and hardly any
    activations; or where the optimizer steps.
    """
    from advisor_roofline.memory import sum_parts

    held = held_parameters(rows, context)
    stage, replicas = rows["shard_stage"], sharing_replicas(rows)
    adapters = rows["adapter_parameters"] / rows["tensor_parallel"] / rows["pipeline_parallel"]
    trained = [(count * rows["trainable_share"], group) for count, _, group in held]
    trained.append((adapters, replicas))
    weights = sum(size / np.where(stage >= 3, group, 1) for _, size, group in held) + adapters * 2.0
    gradients = _gradients(rows, context, trained)
    states = sum(count / np.where(stage >= 1, group, 1) for count, group in trained)
    stepped = states * np.minimum(rows["optimizer_bytes"] / 2.0, 4.0)
    states = states * rows["optimizer_bytes"]
    # An optimizer on the host gets the gradients as they come.
    here = gradients * framework_figure(rows, context, "gradient_share") * (1.0 - rows["optimizer_offload"])
    kept = kept_activations(rows, context)
    kept_here = 1.0 - rows["activation_offload"]
    together = framework_figure(rows, context, "collective_gib") * 2.0**30 * (rows["device_count"] > 1)
    buffers = together + _copied(rows, context, gradients)
    gathered = _gathered(rows, context) + _unpacked(rows, context)
    made = rows["adapter_pass_bytes"] / rows["tensor_parallel"] / rows["pipeline_parallel"]
    blocks = np.where(rows["recompute"] >= 2, max(context.model.blocks, 1), 1)
    nothing = np.zeros(len(rows))
    moments = {  # gradients, activations, buffers
        "loss": (here * _held_through(rows, context), kept.saved * kept_here + kept.working,
                 buffers + gathered + _cast_weights(rows, context) + made / blocks),
        "backward": (here, kept.block, buffers + gathered),
        "step": (here, nothing, buffers + stepped * framework_figure(rows, context, "step_copies")
                 * (1.0 - rows["optimizer_offload"])),
    }  # fmt: skip
    waste = framework_figure(rows, context, "allocator_waste")
    parts = np.array([[*moment, waste * (moment[1] + moment[2])] for moment in moments.values()])
    peak = parts.sum(axis=1).argmax(axis=0)
    names = ("memory_gradients", "memory_activations", "memory_buffers", "memory_overhead")
    for name, amounts in zip(names, np.moveaxis(parts, 1, 0), strict=True):
        rows[name] = np.choose(peak, amounts)
    of_samples = sum(count for count, _ in trained) * rows["sample_gradient_bytes"] * rows["micro_batch"]
    rows["memory_gradients"] = rows["memory_gradients"] + of_samples
    rows["memory_optimizer"] = states * (1.0 - rows["optimizer_offload"])
    rows["memory_weights"] = weights * (1.0 - rows["weight_offload"])
    rows["memory_overhead"] = rows["memory_overhead"] + machine.overhead_bytes * (1.0 - machine.context_share)
    rows["memory_context"] = machine.overhead_bytes * machine.context_share
    host = weights * rows["weight_offload"] + (gradients + states) * rows["optimizer_offload"]
    rows["memory_host"] = host + kept.saved * rows["activation_offload"]
    sum_parts(rows, *INTERVAL)


def _accumulates(rows: Candidates) -> Array:
    """Whether gradients of one micro-batch are added to those of another."""
    return rows["global_batch"] / rows["data_parallel"] / rows["micro_batch"] > 1.5


def _gradients(rows: Candidates, context: Context, trained: list[tuple[Array, Array]]) -> Array:
    """Bytes of gradients at the end of backward.

    Where replicas exchange them once a step only, as torch's ``no_sync`` has it, they are whole until then.
    """
    each = np.maximum(rows["gradient_bytes"], framework_figure(rows, context, "gradient_bytes"))
    whole = _accumulates(rows) & (framework_figure(rows, context, "accumulates_whole") > 0)
    shared = (rows["shard_stage"] >= 2) & ~whole
    return sum(count / np.where(shared, group, 1) for count, group in trained) * each


def _held_through(rows: Candidates, context: Context) -> Array:
    """Share of the gradients that is there while forward runs: all in buffers, or where they are added up."""
    buffers = framework_figure(rows, context, "gradient_buffers")
    return np.maximum(buffers, _accumulates(rows) | (rows["pipeline_parallel"] > 1))


def _copied(rows: Candidates, context: Context, gradients: Array) -> Array:
    """Buckets that gradients go through: those of replicas that share them, or that gradients are copied into."""
    buckets = framework_figure(rows, context, "bucket_elements") * np.where(rows["trainable_share"] > 0, 2.0, 0.0)
    shared = np.where((rows["shard_stage"] >= 2) & (rows["device_count"] > 1), buckets, 0.0)
    several = (rows["shard_stage"] == 0) & (rows["data_parallel"] > 1)  # Li et al. 2020
    return shared + np.where(several, gradients * framework_figure(rows, context, "gradient_copies"), 0.0)


def _cast_weights(rows: Candidates, context: Context) -> Array:
    """16-bit copies of fp32 weights that automatic mixed precision keeps until backward has used them."""
    casts = framework_figure(rows, context, "cast_copies")
    if not casts.any():
        return np.zeros(len(rows))
    model = context.model
    matrices = sum(copies * op.parameters for op, copies in model.operators(None) if op.quantizable)
    bits = np.where(rows["requantized"], rows["weight_bits"], format_named(model.weight_format).bits)
    narrow = np.array([entry.bits for entry in FORMATS])[rows["compute_format"]] <= 16
    kept = np.where(rows["recompute"] >= 2, 1.0 / max(model.blocks, 1), 1.0)
    copies = casts * kept * (bits >= 32) * narrow * (rows["shard_stage"] < 3)
    return copies * matrices / rows["tensor_parallel"] / rows["pipeline_parallel"] * 2.0


def _gathered(rows: Candidates, context: Context) -> Array:
    """Units that full sharding gathers, with their gradients where they are trained, in the format they compute in."""
    model = context.model
    block = max((_layer_parameters(layer, rows) for layer in model.layers if layer.count > 1),
                key=lambda size: float(size.max(initial=0.0)), default=np.zeros(len(rows)))  # fmt: skip
    largest = max((op.parameters for op, _ in model.operators() if op.quantizable), default=0) / rows["tensor_parallel"]
    block = np.where(framework_figure(rows, context, "gathers_operators") > 0, largest, block)
    ends = sum(op.parameters * copies for op, copies in model.operators() if isinstance(op, Embedding))
    width = np.minimum(np.array([entry.bits for entry in FORMATS])[rows["compute_format"]] / 8, 2.0)
    stored = np.where(rows["requantized"], rows["weight_bits"] / 8, width)
    together = framework_figure(rows, context, "gathered_units") * block
    units = np.maximum(together, block + ends / rows["tensor_parallel"])
    whole = units * (np.minimum(stored, width) + width * (rows["trainable_share"] > 0))
    stays = framework_figure(rows, context, "frozen_whole") * (rows["trainable_share"] == 0)
    everything = model.parameters / rows["tensor_parallel"] / rows["pipeline_parallel"] * np.minimum(stored, width)
    whole = np.where(stays > 0, everything, whole)
    return np.where((rows["shard_stage"] >= 3) & (sharing_replicas(rows) > 1), whole, 0.0)


def _unpacked(rows: Candidates, context: Context) -> Array:
    """The largest of the weights that are stored narrower than they are multiplied, widened for its product."""
    model = context.model
    width = np.array([entry.bits for entry in FORMATS])[rows["compute_format"]] / 8
    largest = max((op.parameters for op, _ in model.operators() if op.quantizable), default=0)
    narrow = rows["requantized"] & (rows["weight_bits"] < 0.75 * 8 * width) & (rows["adapter_parameters"] > 0)
    return np.where(narrow, largest / rows["tensor_parallel"] * width, 0.0)


def _layer_parameters(layer: object, rows: Candidates) -> Array:
    operators = layer.operators  # type: ignore[attr-defined]
    total = np.zeros(len(rows))
    for op in operators:
        total = total + op.copies * op.parameters / devices_sharing(op, rows)
    return total
