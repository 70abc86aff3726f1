"""How a layout divides operators: the share of each that one device holds, and what it exchanges."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.models import Layer
from advisor.operators import Attention, ExpertMatMul, Operator, Recurrence


def devices_sharing(op: Operator, rows: Candidates) -> Array:
    """Devices that an operator's weights and work are divided over within one pipeline stage.

    Experts are spread over the larger of the tensor and expert groups. Key-value heads cannot be cut
    finer than one, but each device then still has its share of query heads.
    """
    tensor = rows["tensor_parallel"].astype(float)
    if op.split == "none":
        return np.ones(len(rows))
    if op.split == "experts":
        return np.maximum(tensor, rows["expert_parallel"])
    return tensor


def cache_sharing(op: Attention | Recurrence, rows: Candidates) -> Array:
    """Devices that a cache is divided over: at most one a key-value head; a latent is on every device."""
    tensor = rows["tensor_parallel"].astype(float)
    if isinstance(op, Recurrence):
        return tensor
    if op.cache_width is not None:
        return np.ones(len(rows))
    return np.minimum(tensor, op.kv_heads)


def reductions(layer: Layer) -> tuple[int, int]:
    """Count a layer's all-reduces under tensor parallelism, and the experts that each unit travels to.

    Each block that ends in a row-split product leaves partial sums. The shared expert's are summed
    with the routed experts' before they are exchanged.
    """
    row_split = sum(op.copies for op in layer.operators if op.split == "rows" and not isinstance(op, ExpertMatMul))
    experts = max((op.experts_per_unit for op in layer.operators if isinstance(op, ExpertMatMul)), default=0)
    if not experts:
        return row_split, 0
    mixers = any(isinstance(op, (Attention, Recurrence)) for op in layer.operators)
    return (1 if mixers else 0), experts


def windowed(length: Array, rows: Candidates) -> Array:
    """Tokens of ``length`` that the cache keeps where older ones are evicted."""
    if "cache_window" not in rows:
        return length
    window = rows["cache_window"]
    return np.where(window > 0, np.minimum(length, window), length)
