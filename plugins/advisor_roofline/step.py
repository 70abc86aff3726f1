"""Time of one pass through the model on one replica, by part."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.models import Layer
from advisor.operators import Attention, Convolution, ExpertMatMul
from advisor_roofline.collectives import all_reduce_seconds, dispatch_seconds, send_seconds
from advisor_roofline.kernels import NO_ARITHMETIC, Kernels, Work
from advisor_roofline.machine import Machine
from advisor_roofline.shapes import reductions


class StepTime(Struct):
    """Seconds by part; the parts sum to ``total``. ``flops`` are of one device."""

    compute: Array
    memory: Array
    link: Array
    launch: Array
    host: Array
    flops: Array

    @property
    def total(self) -> Array:
        """Seconds of the step."""
        return self.compute + self.memory + self.link + self.launch + self.host

    def scaled(self, factor: Array | float) -> StepTime:
        """Return the step ``factor`` times as long."""
        return StepTime(*(getattr(self, name) * factor for name in PARTS), self.flops * factor)

    def __add__(self, other: StepTime) -> StepTime:
        return StepTime(*(getattr(self, name) + getattr(other, name) for name in PARTS), self.flops + other.flops)


PARTS = ("compute", "memory", "link", "launch", "host")


def forward_time(
    rows: Candidates, context: Context, machine: Machine, work: Work, *, backward: bool = False, stack: str = "main"
) -> StepTime:
    """Time of a forward pass of ``work`` through all layers; with ``backward`` also of its gradients.

    An operator takes the larger of its arithmetic and its traffic, and a little more where they are
    alike; what exceeds the arithmetic is the memory part. Backward does each matrix product twice
    (Narayanan et al. 2021). Stages of a pipeline work one after the other on the same units, so that the time
    is the sum.
    """
    kernels = Kernels(rows, context, machine)
    zero = np.zeros(len(rows))
    step = StepTime(zero, zero.copy(), zero.copy(), zero.copy(), zero.copy(), zero.copy())
    passes = backward_passes(rows) + 1.0 if backward else np.ones(len(rows))
    exchanges = 2.0 if backward else 1.0
    launched = np.zeros(len(rows))
    for layer in context.model.layers:
        if layer.stack != stack:
            continue
        count = layer.count * blocks_left(layer, rows)
        for op in layer.operators:
            kernel = kernels.time(op, work)
            attends = backward and isinstance(op, Attention)
            repeats = op.copies * count * (_attention_passes(rows, machine) if attends else passes)
            # What a convolution moves is part of the rate that it reaches.
            sharpness = OVERLAP_SHARPNESS if isinstance(op, Convolution) else machine.overlap_sharpness
            step.compute += repeats * kernel.arithmetic
            step.memory += repeats * _not_hidden(kernel.arithmetic, kernel.traffic, sharpness)
            step.launch += repeats * kernel.fixed
            step.flops += repeats * kernel.flops
            if backward:
                eager = machine.eager_seconds + isinstance(op, ExpertMatMul) * machine.eager_routing_seconds / 2
                launched = launched + repeats * eager
        link = _layer_link(layer, rows, context, machine, work, kernels.activation_bytes)
        if backward:
            link = link + _sequence_link(layer, rows, kernels, machine, work)
        step.link += exchanges * count * link
    stages = rows["pipeline_parallel"]
    hidden = context.model.hidden_size * kernels.activation_bytes
    hops = (stages - 1) * send_seconds(work.units * hidden, machine, stages * rows["tensor_parallel"])
    step.link += exchanges * np.where(stages > 1, hops, 0.0)
    if backward:  # training launches kernel by kernel: a device that is faster than its host waits
        step.launch += np.maximum(launched - step.total, 0.0)
    step.host += machine.step_seconds + machine.sequence_seconds * work.sequences
    if "offloaded_share" in rows:  # fetched ahead, layer by layer, while the others are computed (Sheng et al. 2023)
        fetched = rows["offloaded_share"] * kernels.all_weights() / rows["offload_bandwidth"]
        step.link += np.maximum(fetched - step.total, 0.0)
    return step


def blocks_left(layer: Layer, rows: Candidates) -> Array | float:
    """Share of a layer's copies that a recipe leaves: of blocks, not of the embedding or the output."""
    pruned = "block_share" in rows and any(op.quantizable for op in layer.operators)
    return rows["block_share"] if pruned else 1.0


#: How sharply arithmetic and traffic of a kernel overlap: 1 not at all, infinite wholly. Fitted with the
#: matrix efficiency on measured products of A40, A100 and H100 (benchmarks/kernels.py).
OVERLAP_SHARPNESS = 3.05


def _not_hidden(arithmetic: Array, traffic: Array, sharpness: Array | float) -> Array:
    """Time by which traffic lengthens a kernel beyond its arithmetic."""
    if arithmetic is NO_ARITHMETIC:
        return traffic
    larger = np.maximum(np.maximum(arithmetic, traffic), 1e-30)
    longer = (np.minimum(arithmetic, traffic) / larger).astype(np.float32)  # a factor from 1 to 2: that is enough
    sharp = np.asarray(sharpness, dtype=np.float32)
    np.power(longer, sharp, out=longer)
    longer += 1
    np.power(longer, 1 / sharp, out=longer)
    larger *= longer
    larger -= arithmetic
    return larger


def backward_passes(rows: Candidates) -> Array:
    """Matrix work of backward over that of forward: 2 where weights are trained, 1 where they are frozen."""
    weights = np.where(rows["backward_share"] < 1.0, 1.0, np.minimum(rows["trainable_share"], 1.0))
    return (1.0 + weights) * rows["backward_share"]


def _sequence_link(layer: Layer, rows: Candidates, kernels: Kernels, machine: Machine, work: Work) -> Array:
    """Keys and values that pass around the devices of a sequence, beyond what attention hides (Liu et al. 2023)."""
    parts = rows["context_parallel"].astype(float)
    seconds = np.zeros(len(rows))
    if not (parts > 1).any():
        return seconds
    for op in layer.operators:
        if isinstance(op, Attention):
            chunk = work.units * op.kv_heads * (op.key_width + op.value_width) * kernels.activation_bytes
            chunk = chunk / np.minimum(rows["tensor_parallel"], op.kv_heads)
            around = (parts - 1) * send_seconds(chunk, machine, parts * rows["tensor_parallel"])
            seconds = seconds + op.copies * np.maximum(around - kernels.time(op, work).arithmetic, 0.1 * around)
    return np.where(parts > 1, seconds, 0.0)


def _attention_passes(rows: Candidates, machine: Machine) -> Array:
    """Forward and backward of attention, which has no weights to freeze: backward is twice the forward's work, and
    half as much again where fused kernels compute the scores anew (Dao et al. 2022: five products against two)."""
    return 1.0 + rows["backward_share"] * np.where(machine.score_passes > 0, 2.0, 2.5)


def _layer_link(layer: Layer, rows: Candidates, context: Context, machine: Machine, work: Work, width: Array) -> Array:
    sums, visited = reductions(layer)
    tensor = rows["tensor_parallel"].astype(float)
    message = work.units * context.model.hidden_size * width
    seconds = sums * all_reduce_seconds(message, tensor, machine)
    if visited:
        experts = rows["expert_parallel"].astype(float)
        # Experts spread over replicas: each token travels to its experts and back. Else a sum is reduced.
        travel = 2 * dispatch_seconds(message / np.maximum(tensor, 1), visited, experts, machine)
        seconds = seconds + np.where(experts > tensor, travel, all_reduce_seconds(message, tensor, machine))
    return seconds
