"""Bytes on one device, by part; those of training are in ``advisor_roofline.training_memory``."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import MEMORY_PARTS
from advisor.context import Context
from advisor.formats import format_named
from advisor.operators import Attention, Embedding, MatMul, Operator, Recurrence
from advisor_roofline.machine import Machine
from advisor_roofline.shapes import cache_sharing, devices_sharing, windowed

#: Paged caches waste about half a block a sequence (Kwon et al. 2023, PagedAttention): under 4 %.
CACHE_WASTE = 1.04


def fill_memory(rows: Candidates, context: Context, machine: Machine) -> None:
    """Set the memory parts and the interval ``memory`` of every row."""
    if context.workload.trains:
        from advisor_roofline.training_memory import fill_training_memory

        fill_training_memory(rows, context, machine)
        return
    held = _held(rows, context)
    adapters = rows["adapter_parameters"] / rows["tensor_parallel"] / rows["pipeline_parallel"]
    weights = held.weight_bytes + adapters * 2.0
    if "draft_share" in rows:
        weights = weights * (1 + rows["draft_share"])
    if "offloaded_share" in rows:  # one layer of them is here while it is used
        layer = weights / max(context.model.blocks, 1)
        weights = np.where(rows["offloaded_share"] > 0, weights * (1 - rows["offloaded_share"]) + 2 * layer, weights)
    rows["memory_weights"] = weights
    rows["memory_cache"] = cache_bytes(rows, context)
    rows["memory_activations"] = _inference_activations(rows, context)
    rows["memory_overhead"] = machine.overhead_bytes
    sum_parts(rows, 0.92, 1.12)


def sum_parts(rows: Candidates, low: float, high: float) -> None:
    """Set the interval ``memory`` to the sum of the parts, and so many times it."""
    total = sum(rows[name] for name in PARTS)
    rows.set_interval("memory", total, total * low, total * high)


PARTS = tuple(column.name for column in MEMORY_PARTS)


class _Held:
    """Weights that one device holds: bytes as stored, and parameters."""

    def __init__(self, weight_bytes: Array, parameters: Array) -> None:
        self.weight_bytes = weight_bytes
        self.parameters = parameters


def _held(rows: Candidates, context: Context) -> _Held:
    """Sum over operators, grouped by how they are divided and stored, so that few terms are arrays."""
    model = context.model
    groups: dict[tuple[str, bool, bool, float], tuple[Operator, float]] = {}
    for op, copies in model.operators(None):
        table = not op.quantizable and (op.last_unit_only or isinstance(op, Embedding))
        key = (op.split, op.quantizable, table, format_named(model.format_of(op)).bits)
        first, count = groups.get(key, (op, 0.0))
        groups[key] = (first, count + copies * op.parameters)
    stages = rows["pipeline_parallel"]
    blocks = max(model.blocks, 1)
    stage_share = np.ceil(blocks / stages) / blocks
    total, parameters = np.zeros(len(rows)), np.zeros(len(rows))
    for (_, quantizable, table, bits), (op, count) in groups.items():
        each = bits / 8
        if quantizable:
            each = np.where(rows["requantized"], rows["weight_bits"] / 8, each) * rows["parameter_share"]
            each = each * rows["block_share"] if "block_share" in rows else each
        elif table:
            each = np.where(rows["table_bits"] > 0, rows["table_bits"] / 8, each)
        share = count / devices_sharing(op, rows) * stage_share
        total += share * each
        parameters += share
    return _Held(total, parameters)


def cache_bytes(rows: Candidates, context: Context) -> Array:
    """Key-value cache and recurrent state of the sequences in flight, on one device."""
    length = windowed(rows["input_tokens"] + rows["output_tokens"], rows)
    total = np.zeros(len(rows))
    for op, copies in context.model.operators():
        if isinstance(op, Attention) and op.cache_elements:
            total += copies * op.cache_elements * op.cached(length) * rows["cache_bits"] / 8 / cache_sharing(op, rows)
        elif isinstance(op, Recurrence):
            total += copies * op.state_elements * 4.0 / cache_sharing(op, rows)
    generates = 1.0 if context.model.generates else 0.0
    total = total * rows["block_share"] if "block_share" in rows else total
    total = total * (1 + rows["draft_depth"]) if "draft_depth" in rows else total
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
