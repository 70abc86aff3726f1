"""Bytes on one device in training, by part: under sharding, pipelines, recomputation and offload.

Weights, gradients and optimizer states are divided as in Rajbhandari et al. 2020 (ZeRO) and Zhao et al. 2023
(FSDP, whose units are gathered whole for a while); activations are in ``advisor_roofline.activations``.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import FORMATS, format_named
from advisor.operators import Embedding, Operator
from advisor_roofline.activations import kept_activations
from advisor_roofline.frameworks import framework_figure
from advisor_roofline.machine import Machine
from advisor_roofline.shapes import devices_sharing

#: Units of a fully sharded model that are whole at once: that at work, and the next, fetched early (Zhao et al. 2023).
UNITS_GATHERED = 2
#: Buffers of collectives and of library workspaces, where several devices work together; torch reports neither's part
#: of the context. NCCL keeps 4 MiB a channel and peer (NCCL_BUFFSIZE), some 32 MiB a ring of 8 channels.
COLLECTIVE_BYTES = 0.25 * 2**30
#: Ends of the 80 % interval over the value: what holds 80 % of the measured peaks in tests/truth/train_*.csv.
INTERVAL = (0.82, 1.22)


def fill_training_memory(rows: Candidates, context: Context, machine: Machine) -> None:
    """Set the memory parts, and what is kept in the host's memory."""
    from advisor_roofline.memory import sum_parts

    held = _held(rows, context)
    stage, replicas = rows["shard_stage"], sharing_replicas(rows)
    adapters = rows["adapter_parameters"] / rows["tensor_parallel"] / rows["pipeline_parallel"]
    trained = [(count * rows["trainable_share"], group) for count, _, group in held]
    trained.append((adapters, replicas))
    each = np.maximum(rows["gradient_bytes"], framework_figure(rows, context, "gradient_bytes"))
    kept_here = 1.0 - rows["weight_offload"]
    weights = sum(size / np.where(stage >= 3, group, 1) for _, size, group in held) + adapters * 2.0
    gradients = sum(count / np.where(stage >= 2, group, 1) for count, group in trained) * each
    states = sum(count / np.where(stage >= 1, group, 1) for count, group in trained)
    states = states * rows["optimizer_bytes"]
    # An optimizer on the host gets the gradients as they come.
    there = framework_figure(rows, context, "gradient_share")
    of_samples = sum(count for count, _ in trained) * rows["sample_gradient_bytes"] * rows["micro_batch"]
    rows["memory_gradients"] = gradients * there * (1.0 - rows["optimizer_offload"]) + of_samples
    rows["memory_optimizer"] = states * (1.0 - rows["optimizer_offload"])
    rows["memory_weights"] = weights * kept_here
    kept = kept_activations(rows, context)
    rows["memory_activations"] = kept.saved * (1.0 - rows["activation_offload"]) + kept.working
    rows["memory_buffers"] = _gathered(rows, context) + COLLECTIVE_BYTES * (rows["device_count"] > 1)
    buckets = framework_figure(rows, context, "bucket_elements") * np.where(rows["trainable_share"] > 0, 2.0, 0.0)
    rows["memory_buffers"] = rows["memory_buffers"] + np.where(stage >= 2, buckets, 0.0) * (rows["device_count"] > 1)
    several = (stage == 0) & (rows["data_parallel"] > 1)  # buckets that gradients are copied into (Li et al. 2020)
    copied = np.where(several, gradients * framework_figure(rows, context, "gradient_copies"), 0.0)
    rows["memory_buffers"] = rows["memory_buffers"] + _unpacked(rows, context) + copied
    passing = rows["memory_activations"] + rows["memory_buffers"]
    rows["memory_overhead"] = framework_figure(rows, context, "allocator_waste") * passing
    rows["memory_overhead"] = rows["memory_overhead"] + machine.overhead_bytes * (1.0 - machine.context_share)
    rows["memory_context"] = machine.overhead_bytes * machine.context_share
    host = weights * rows["weight_offload"] + (gradients + states) * rows["optimizer_offload"]
    rows["memory_host"] = host + kept.saved * rows["activation_offload"]
    sum_parts(rows, *INTERVAL)


def sharing_replicas(rows: Candidates) -> Array:
    """Devices that share the state of what is not an expert: replicas, and parts of a sequence, which are alike."""
    return np.maximum(rows["data_parallel"] * rows["context_parallel"], 1).astype(float)


def _held(rows: Candidates, context: Context) -> list[tuple[Array, Array, Array]]:
    """Parameters, stored bytes and sharing devices of each group of operators on the fullest device.

    Blocks are spread over the stages; embedding and output are on the first and last alone.
    """
    model = context.model
    groups: dict[tuple[str, bool, float, bool], tuple[Operator, float]] = {}
    for op, copies in model.operators(None):
        at_end = isinstance(op, Embedding) or op.last_unit_only
        key = (op.split, op.quantizable, format_named(model.format_of(op)).bits, at_end)
        first, count = groups.get(key, (op, 0.0))
        groups[key] = (first, count + copies * op.parameters)
    stages, blocks = rows["pipeline_parallel"], max(model.blocks, 1)
    share = np.ceil(blocks / stages) / blocks
    replicas = sharing_replicas(rows)
    answer = []
    for (split, quantizable, bits, at_end), (op, count) in groups.items():
        each = max(bits, 16.0) / 8 if quantizable else bits / 8  # what is trained is held in 16 bits at least
        if quantizable:
            each = np.where(rows["requantized"], rows["weight_bits"] / 8, each) * rows["parameter_share"]
        devices = devices_sharing(op, rows)
        ends = np.where(stages > 1, 0.5 if _two_ends(context) else 1.0, 1.0)
        parameters = count / devices * (ends if at_end else share)
        experts = split == "experts"
        group = np.maximum(replicas * rows["tensor_parallel"] / devices, 1.0) if experts else replicas
        answer.append((parameters, parameters * each, group))
    return answer


def _two_ends(context: Context) -> bool:
    """Whether embedding and output have weights of their own, each on its stage."""
    sizes = [op.parameters for op, _ in context.model.operators() if isinstance(op, Embedding) or op.last_unit_only]
    return sum(size > 0 for size in sizes) > 1


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
    units = np.maximum(UNITS_GATHERED * block, block + ends / rows["tensor_parallel"])
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
