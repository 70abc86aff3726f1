"""What the forward pass of training leaves for backward, under recomputation, pipelines and sequence parallelism.

Korthikanti et al. 2022 ("Reducing Activation Recomputation in Large Transformer Models") count what fused kernels
keep; eager frameworks keep more: normalisation in fp32, and what lies between the steps of a gated activation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.operators import Attention, Elementwise, ExpertMatMul, MatMul, Operator
from advisor_roofline.frameworks import framework_figure

#: Values of ``pipeline_schedule``.
ONE_FORWARD_ONE_BACKWARD, ALL_FORWARD_ALL_BACKWARD, ZERO_BUBBLE = 0, 1, 2


@dataclass
class Kept:
    """Bytes at two moments: where forward ends at the loss, and where backward has come to its last block.

    At the first, blocks have ``saved`` what backward needs, and the loss or the block at work holds ``working``. At the
    second, one block's share of it is left, and ``block`` of the block at work. ``micro`` is what one micro-batch saves
    on one stage.
    """

    saved: Array
    working: Array
    micro: Array
    block: Array


def kept_activations(rows: Candidates, context: Context) -> Kept:
    """Activation bytes of one device.

    Full recomputation keeps each block's input, and one block's activations while it is at work; selective drops
    what attention's core and experts' activation save (Megatron-Core's ``core_attn`` and ``moe_act``). The first
    pipeline stage holds as many micro-batches as the schedule has in flight there; the last holds one and the logits.
    """
    model = context.model
    units = rows["micro_batch"] * (rows["sequence_length"] + rows["virtual_tokens"] if model.unit == "token" else 1)
    units = units / rows["context_parallel"]
    width = _width(rows)
    whole = attention = np.zeros(len(rows))
    largest = np.zeros(len(rows))
    products = 0.0
    for op, copies in model.operators():
        if op.last_unit_only:
            continue
        saved = op_saved(op, rows, context)
        whole = whole + copies * saved
        largest = np.maximum(largest, saved)
        products += copies * op.outputs * getattr(op, "experts_per_unit", 1) if isinstance(op, MatMul) else 0.0
        if isinstance(op, Attention) or (isinstance(op, ExpertMatMul) and op.outputs == model.hidden_size):
            attention = attention + copies * saved  # the core of attention, and what goes into experts' second product
    whole = whole + rows["adapter_inputs"] / _sharing(rows)
    whole, attention = whole * rows["backward_share"], attention * rows["backward_share"]
    blocks = max(model.blocks, 1)
    inputs = np.minimum(blocks * model.hidden_size / _sharing(rows), whole)
    inputs = inputs * np.where(widens_tables(rows, context), 2.0, 1.0)  # what blocks hand on is in fp32 then
    only_products = framework_figure(rows, context, "selective_products") > 0
    selective = np.where(only_products, np.minimum(products / _sharing(rows), whole - attention), whole - attention)
    elements = np.select([rows["recompute"] == 1, rows["recompute"] >= 2], [selective, inputs], whole)
    block = np.where(rows["recompute"] >= 2, whole / blocks, np.where(rows["recompute"] == 1, attention / blocks, 0.0))
    gradients = largest + 2.0 * model.hidden_size / _sharing(rows)
    per_stage = np.ceil(blocks / rows["pipeline_parallel"]) / blocks
    first = elements * per_stage * in_flight(rows)
    last = elements * per_stage
    logits = _logit_bytes(rows, context)
    staged = rows["pipeline_parallel"] > 1
    working = (block + gradients) * width * framework_figure(rows, context, "working_share")
    on_last = last * width + np.maximum(logits, working)
    on_first = first * width + np.where(staged, working, np.maximum(logits, working))
    saved_bytes = units * np.where(staged & (on_last > on_first), last, first) * width
    peak = units * np.maximum(on_first, np.where(staged, on_last, 0.0))
    left = last / np.maximum(np.ceil(blocks / rows["pipeline_parallel"]), 1.0)
    return Kept(saved_bytes, peak - saved_bytes, units * last * width, units * (left * width + working))


def widens_tables(rows: Candidates, context: Context) -> Array:
    """Whether embedding and output are in fp32 beside narrow frozen weights (``prepare_model_for_kbit_training``)."""
    narrow = rows["requantized"] & (rows["weight_bits"] <= 8) & (rows["adapter_parameters"] > 0)
    return narrow & (framework_figure(rows, context, "wide_tables") > 0)


def in_flight(rows: Candidates) -> Array:
    """Micro-batches, in stages' worth of activations, that the first stage holds at its peak.

    All of them where all go forward first (GPipe, Huang et al. 2019); as many as there are stages in one forward
    one backward, and a share more with interleaved chunks (Korthikanti et al. 2022, section 4.2.3).
    """
    stages, chunks = rows["pipeline_parallel"].astype(float), rows["virtual_stages"].astype(float)
    count = np.maximum(1.0, rows["global_batch"] / rows["data_parallel"] / rows["micro_batch"])
    held = stages * (1.0 + np.where(chunks > 1, (stages - 1) / (stages * chunks), 0.0))
    together = np.where(rows["pipeline_schedule"] == ALL_FORWARD_ALL_BACKWARD, count, np.minimum(held, count))
    return np.where(stages > 1, together, 1.0)


def op_saved(op: Operator, rows: Candidates, context: Context) -> Array:
    """Values of one unit that one copy of the operator leaves for backward on one device."""
    saved = np.full(len(rows), float(op.saved_elements))
    if context.model.unit != "token" and isinstance(op, Elementwise) and not op.parameters_own:
        return np.zeros(len(rows))  # activations in place: what they leave is the next product's input
    if isinstance(op, MatMul) and op.quantizable and not isinstance(op, ExpertMatMul):
        saved = saved * rows["saved_input_share"]  # a frozen product needs its weights alone
    elif isinstance(op, ExpertMatMul):
        saved = saved * np.where(rows["trainable_share"] > 0, 1.0, 0.0)
    elif isinstance(op, Elementwise) and 0 < op.parameters_own <= op.saved_elements and context.model.unit == "token":
        # Root-mean-square norms, written out: the input in fp32, and its normal form if trained. Others are one kernel.
        extra = np.where(rows["trainable_share"] > 0, 2.0, 1.0)
        saved = saved * (1.0 + extra * framework_figure(rows, context, "eager_norms"))
    elif isinstance(op, Elementwise) and op.split in ("columns", "experts") and context.model.unit == "token":
        # A gated activation: what lies between its steps.
        saved = saved * (1.0 + 0.5 * framework_figure(rows, context, "eager_activations"))
    elif isinstance(op, Attention):
        # Keys and values copied for each query head that shares them, where the framework does so.
        more = max(op.heads - op.kv_heads, 0) * (op.key_width + op.value_width)
        saved = saved + more * framework_figure(rows, context, "expands_heads")
        # Scores that are not fused: 5 bytes each with their softmax and dropout (Korthikanti et al. 2022, section 4.1).
        length = rows["sequence_length"] if context.model.unit == "token" else np.ones(len(rows))
        unfused = framework_figure(rows, context, "score_passes") > 0
        saved = saved + 2.5 * unfused * op.heads * op.positions * op.attended(length)
    elif isinstance(op, Elementwise) and op.split == "none" and context.model.unit == "token":
        # What experts give, kept to weigh it, unless the weights were applied within them.
        saved = saved * framework_figure(rows, context, "weighs_outputs")
    return saved / np.where(op.split == "experts", np.maximum(1.0, rows["tensor_parallel"]), _sharing(rows))


def _sharing(rows: Candidates) -> Array:
    """Devices over which one sequence's activations are divided, sequence parallelism included."""
    return rows["tensor_parallel"].astype(float)


def _logit_bytes(rows: Candidates, context: Context) -> Array:
    """Bytes of one unit's logits, from the output product to its gradient; tensor parallelism cuts the vocabulary."""
    logits = sum(getattr(op, "outputs", 0) for op, _ in context.model.operators() if op.last_unit_only)
    return logits * framework_figure(rows, context, "logit_bytes") / rows["tensor_parallel"]


def _width(rows: Candidates) -> Array:
    from advisor.formats import format_code

    return np.where(rows["compute_format"] == format_code("fp32"), 4.0, 2.0)
