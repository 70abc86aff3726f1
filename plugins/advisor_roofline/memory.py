"""Bytes on one device, by part, for serving and for training."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import format_named
from advisor.operators import Attention, MatMul, Operator, Recurrence
from advisor_roofline.machine import Machine
from advisor_roofline.shapes import cache_sharing, devices_sharing

#: Paged caches waste about half a block a sequence (Kwon et al. 2023, PagedAttention): under 4 %.
CACHE_WASTE = 1.04


def fill_memory(rows: Candidates, context: Context, machine: Machine) -> None:
    """Set the memory parts and the interval ``memory`` of every row."""
    held = _held(rows, context)
    stage = rows["shard_stage"]
    replicas = np.maximum(rows["data_parallel"], 1)
    training = context.workload.trains
    adapters = rows["adapter_parameters"] / rows["tensor_parallel"] / rows["pipeline_parallel"]
    weights = held.weight_bytes + adapters * 2.0
    rows["memory_weights"] = np.where(training & (stage >= 3), weights / replicas, weights)
    if training:
        trained = held.parameters * rows["trainable_share"] + adapters
        rows["memory_gradients"] = trained * rows["gradient_bytes"] / np.where(stage >= 2, replicas, 1)
        rows["memory_optimizer"] = trained * rows["optimizer_bytes"] / np.where(stage >= 1, replicas, 1)
        rows["memory_activations"] = _training_activations(rows, context)
    else:
        rows["memory_cache"] = cache_bytes(rows, context)
        rows["memory_activations"] = _inference_activations(rows, context)
    rows["memory_overhead"] = machine.overhead_bytes
    total = sum(rows[name] for name in PARTS)
    rows.set_interval("memory", total, total * 0.92, total * 1.12)


PARTS = ("memory_weights", "memory_cache", "memory_activations", "memory_gradients", "memory_optimizer",
         "memory_overhead")  # fmt: skip


class _Held:
    """Weights that one device holds: bytes as stored, and parameters."""

    def __init__(self, weight_bytes: Array, parameters: Array) -> None:
        self.weight_bytes = weight_bytes
        self.parameters = parameters


def _held(rows: Candidates, context: Context) -> _Held:
    """Sum over operators, grouped by how they are divided and stored, so that few terms are arrays."""
    model = context.model
    groups: dict[tuple[str, bool, float], tuple[Operator, float]] = {}
    for op, copies in model.operators(None):
        key = (op.split, op.quantizable, format_named(model.format_of(op)).bits)
        first, count = groups.get(key, (op, 0.0))
        groups[key] = (first, count + copies * op.parameters)
    stages = rows["pipeline_parallel"]
    blocks = max(model.blocks, 1)
    stage_share = np.ceil(blocks / stages) / blocks
    total, parameters = np.zeros(len(rows)), np.zeros(len(rows))
    for (_, quantizable, bits), (op, count) in groups.items():
        each = bits / 8
        if quantizable:
            each = np.where(rows["requantized"], rows["weight_bits"] / 8, each) * rows["parameter_share"]
        share = count / devices_sharing(op, rows) * stage_share
        total += share * each
        parameters += share
    return _Held(total, parameters)


def cache_bytes(rows: Candidates, context: Context) -> Array:
    """Key-value cache and recurrent state of the sequences in flight, on one device."""
    length = rows["input_tokens"] + rows["output_tokens"]
    total = np.zeros(len(rows))
    for op, copies in context.model.operators():
        if isinstance(op, Attention) and op.cache_elements:
            total += copies * op.cache_elements * op.cached(length) * rows["cache_bits"] / 8 / cache_sharing(op, rows)
        elif isinstance(op, Recurrence):
            total += copies * op.state_elements * 4.0 / cache_sharing(op, rows)
    generates = 1.0 if context.model.generates else 0.0
    return generates * total * rows["batch"] * CACHE_WASTE / rows["pipeline_parallel"]


def _width(rows: Candidates) -> Array:
    from advisor.formats import format_code

    return np.where(rows["compute_format"] == format_code("fp32"), 4.0, 2.0)


def _inference_activations(rows: Candidates, context: Context) -> Array:
    """Two of the widest operator's inputs and outputs for the units of one pass (a prefill chunk)."""
    model = context.model
    if model.unit == "token":
        units = np.minimum(rows["batch"] * (1 if model.generates else rows["sequence_length"]), 8192)
        units = np.maximum(units, np.minimum(rows["input_tokens"], 8192) if model.generates else 0)
    else:
        units = rows["batch"]
    widest = max((op.activation_elements for op, _ in model.operators() if not op.last_unit_only), default=0)
    logits = max((op.outputs for op, _ in model.operators() if isinstance(op, MatMul) and op.last_unit_only), default=0)
    return (2 * units * widest + 2 * rows["batch"] * logits) * _width(rows) / rows["tensor_parallel"]


def _training_activations(rows: Candidates, context: Context) -> Array:
    """What the forward pass leaves for backward (Korthikanti et al. 2022), under recomputation and 1F1B.

    Full recomputation keeps each block's input and one block's activations; selective drops what
    attention saves. A first pipeline stage holds as many micro-batches as there are stages.
    """
    model = context.model
    units = rows["micro_batch"] * (rows["sequence_length"] if model.unit == "token" else 1)
    units = units / rows["context_parallel"]
    saved = attention = logits = 0.0
    for op, copies in model.operators():
        if op.last_unit_only:
            logits += getattr(op, "outputs", 0)
            continue
        saved += copies * op.saved_elements
        attention += copies * op.saved_elements if isinstance(op, Attention) else 0
    blocks = max(model.blocks, 1)
    kept_inputs = blocks * model.hidden_size + saved / blocks
    elements = np.select(
        [rows["recompute"] == 1, rows["recompute"] >= 2], [saved - attention, min(kept_inputs, saved)], saved
    )
    stages = rows["pipeline_parallel"]
    in_flight = np.minimum(stages, np.maximum(1, rows["global_batch"] / rows["data_parallel"] / rows["micro_batch"]))
    layers = elements / stages * in_flight * _width(rows)
    loss = logits * (4.0 + 2.0)  # fp32 copy for the loss, and the gradient
    return units * (layers + loss) / rows["tensor_parallel"]
