"""Time of one operator on one device: the larger of arithmetic and traffic, and a fixed time a kernel."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import FORMATS, format_named
from advisor.models import Model
from advisor.operators import (
    Attention,
    Convolution,
    Elementwise,
    Embedding,
    ExpertMatMul,
    MatMul,
    Operator,
    Recurrence,
)
from advisor_roofline.machine import Machine
from advisor_roofline.shapes import cache_sharing, devices_sharing, windowed

#: Of an operator that only moves: one array for all, to be told by.
NO_ARITHMETIC: Array = np.zeros(1)
#: Waves of blocks from which on the last one no longer matters: persistent kernels even it out.
MANY_WAVES = 16


class Work(Struct):
    """What one pass over some units looks like, a value a row.

    ``units`` pass through each replica; each attends to ``context`` earlier ones; ``sequences`` is how
    many sequences they belong to. In decode every sequence adds one unit and reads its whole cache.
    """

    units: Array
    context: Array
    sequences: Array
    decode: bool
    all_logits: bool = False


class KernelTime(Struct):
    """Seconds of arithmetic, of traffic, and fixed; and the FLOPs done."""

    arithmetic: Array
    traffic: Array
    fixed: Array
    flops: Array


class Kernels:
    """Operator times for one model and table of rows."""

    def __init__(self, rows: Candidates, context: Context, machine: Machine) -> None:
        self.rows = rows
        self.machine = machine
        self.model: Model = context.model
        self.activation_bytes = np.where(rows["compute_format"] == _code("fp32"), 4.0, 2.0)
        tuning = machine.tuning if context.workload.trains else 1.0
        efficiency = machine.matrix_efficiency * machine.sustained * tuning
        self._matrix_rate = machine.matrix_flops * efficiency * rows["matrix_speedup"]
        self._wide_rate = machine.wide_flops * efficiency
        # Products of few rows run on the vector units, which pad nothing.
        self._matrix_vectors = np.minimum(machine.vector_flops / machine.matrix_flops, 1.0)
        self._wide_vectors = np.minimum(machine.vector_flops / machine.wide_flops, 1.0)
        stored = np.where(rows["requantized"], rows["weight_bits"], format_named(self.model.weight_format).bits)
        computed = np.array([entry.bits for entry in FORMATS])[
            context.devices.carrier[rows["device"], rows["compute_format"]]
        ]
        self._packed = stored < 0.75 * computed
        self._unpacking = np.where(self._packed, machine.dequantize_efficiency, 1.0)
        self._some_packed = bool(self._packed.any())
        self._shares: dict[str, tuple[Array, Array]] = {}
        blocks = np.array([entry.bits % 1 != 0 for entry in FORMATS])[rows["compute_format"]] & (computed < 16)
        # Mixtures quantize in the kernel that sorts the tokens.
        mixture = any(isinstance(op, ExpertMatMul) for op, _ in self.model.operators())
        apart = not (context.workload.trains or mixture)
        self._quantizing = np.where(blocks & apart, machine.quantize_seconds, 0.0)
        self._trains = context.workload.trains  # with sequence parallelism (Korthikanti et al. 2022)
        eager = machine.unfused_passes if self.model.unit == "token" else machine.image_passes
        self._passes = eager if self._trains else np.ones(len(rows))
        self._casts = np.where(computed < 16, machine.cast_passes, 0.0)  # to and from narrow formats in training
        self._bandwidth = machine.bandwidth * machine.bandwidth_efficiency
        # A pass reads every weight once: a cache that does not hold them all holds none of them the next time.
        self._weights_cached = self.all_weights() <= machine.cache_bytes

    def all_weights(self) -> Array:
        """Bytes of all matrix weights on one device."""
        stored = sum(copies * op.parameters for op, copies in self.model.operators() if op.quantizable)
        bits = np.where(self.rows["requantized"], self.rows["weight_bits"], format_named(self.model.weight_format).bits)
        return stored * bits / 8 / self.rows["tensor_parallel"] / self.rows["pipeline_parallel"]

    def weight_bytes_each(self, op: Operator) -> Array:
        """Stored bytes of one weight of the operator."""
        native = format_named(self.model.format_of(op)).bits / 8
        if not op.quantizable:
            tables = self.rows["table_bits"] / 8
            return np.where((tables > 0) & op.last_unit_only, tables, native)
        changed = self.rows["weight_bits"] / 8
        return np.where(self.rows["requantized"], changed, native) * self.rows["parameter_share"]

    def time(self, op: Operator, work: Work) -> KernelTime:
        """Time of one copy of the operator."""
        if isinstance(op, ExpertMatMul):
            return self._experts(op, work)
        if isinstance(op, MatMul):
            return self._matmul(op, work)
        if isinstance(op, Attention):
            return self._attention(op, work)
        if isinstance(op, Recurrence):
            return self._recurrence(op, work)
        if isinstance(op, (Elementwise, Embedding)):
            return self._streamed(op, work)
        return self._streamed(op, work)

    def _matmul(self, op: MatMul, work: Work) -> KernelTime:
        units = work.sequences if op.last_unit_only and not work.all_logits else work.units
        share = devices_sharing(op, self.rows)
        inner = op.inputs / np.where(op.split == "rows", share, 1)
        outer = op.outputs / np.where(op.split in ("columns", "heads", "vocabulary"), share, 1)
        count = units * op.positions
        flops = 2 * count * inner * outer / op.groups * self._flops_share(op)
        traffic = inner * outer / op.groups * self.weight_bytes_each(op)
        moved = op.input_elements * units + count * outer if isinstance(op, Convolution) else count * (inner + outer)
        rate = self._rate(op) * self._fill(op, count, outer / op.groups, inner)
        if isinstance(op, Convolution):
            rate = rate * self.machine.convolution_ratio
        efficiency = self.machine.bandwidth_efficiency * (self._read(op) if op.quantizable else 1.0)
        moved_bytes = moved * self.activation_bytes
        cold = np.where(self._weights_cached, 0.0, traffic)
        seconds = self._move(moved_bytes + traffic - cold, efficiency)
        seconds = seconds + cold / (self.machine.bandwidth * efficiency)
        fixed = self._fixed(op) + self._cast(op, moved)
        if isinstance(op, Convolution) and self._trains:  # to the order of channels that matrix units take, and back
            fixed = fixed + self.machine.layout_passes * moved_bytes / self._bandwidth
        return KernelTime(flops / rate, seconds, fixed, flops)

    def _experts(self, op: ExpertMatMul, work: Work) -> KernelTime:
        """Each expert touched by the batch is read once; the devices share the experts, or cut each one."""
        rows, machine = self.rows, self.machine
        spread = np.maximum(rows["expert_parallel"], 1.0)
        cut = devices_sharing(op, rows) / spread
        replicas = np.maximum(1.0, spread / np.maximum(rows["tensor_parallel"], 1))
        routed = work.units * replicas * op.experts_per_unit / spread
        touched = op.experts_touched(work.units * replicas) / spread
        flops = 2 * routed * op.inputs * op.outputs / cut * self._flops_share(op)
        traffic = touched * op.inputs * op.outputs / cut * self.weight_bytes_each(op)
        moved = routed * (op.inputs + op.outputs / cut) * self.activation_bytes
        each = routed / np.maximum(touched, 1e-9)
        rate = self._rate(op) * self._fill(op, each, op.outputs / cut, op.inputs, parallel=touched)
        seconds = self._move(traffic + moved, machine.expert_read_efficiency * self._read(op))
        fixed = self._fixed(op) + machine.routing_seconds / 2 + self._cast(op, moved / self.activation_bytes)
        return KernelTime(flops / rate, seconds, fixed, flops)

    def _attention(self, op: Attention, work: Work) -> KernelTime:
        """Prefill is arithmetic over half the square (causal); decode reads the cache."""
        share = devices_sharing(op, self.rows)
        machine = self.machine
        fused = self._trains & (machine.score_passes == 0)
        own = machine.training_attention * machine.attention_boost
        rate = machine.wide_flops * np.where(fused, own, machine.attention_efficiency)
        kept = windowed(work.context, self.rows) if work.decode else work.context
        cached_bytes = op.cache_elements * op.cached(kept) * self.rows["cache_bits"] / 8
        cached_bytes = cached_bytes * work.sequences / cache_sharing(op, self.rows)
        if work.decode:
            flops = op.absorbed_flops(work.units, kept) / share
            seconds = self._move(cached_bytes, machine.cache_read_efficiency)
            rate = machine.wide_flops * machine.decode_attention_efficiency
            return KernelTime(flops / rate, seconds, self._fixed() * 2, flops)
        length = work.units / np.maximum(work.sequences, 1e-9)
        earlier = np.maximum(work.context - length, 0.0)
        seen = earlier + (length / 2 if op.causal else length)
        flops = op.flops(work.units, seen) / share
        scores = machine.score_passes * self._trains * op.heads / share
        scores = scores * work.units * op.positions * op.attended(work.context)
        moved = op.activation_elements * work.units * self.activation_bytes / share
        fixed = self._fixed() + scores * self.activation_bytes / self._bandwidth
        return KernelTime(flops / rate, self._move(moved + cached_bytes), fixed, flops)

    def _recurrence(self, op: Recurrence, work: Work) -> KernelTime:
        share = devices_sharing(op, self.rows)
        flops = op.flops(work.units) / share
        state = op.state_elements * work.sequences * 2 * 4 / share  # read and written in fp32
        moved = op.activation_elements * work.units * self.activation_bytes / share
        weights = op.parameters * self.activation_bytes
        rate = self.machine.wide_flops * self.machine.attention_efficiency * 0.5
        fixed = self._fixed() * (op.positions if op.sequential else 2)
        return KernelTime(flops / rate, self._move(state + moved + weights), fixed, flops)

    def _streamed(self, op: Operator, work: Work) -> KernelTime:
        share = self.rows["tensor_parallel"] if self._trains else devices_sharing(op, self.rows)
        moved = op.activation_elements * work.units * self.activation_bytes * self._passes / share
        moved = moved * self.machine.elementwise_share
        seconds = self._move(moved, self.machine.stream_efficiency)
        fixed = self._fixed() if moved.any() else np.zeros(len(self.rows))
        return KernelTime(NO_ARITHMETIC, seconds, fixed, NO_ARITHMETIC)

    def _cast(self, op: Operator, values: Array) -> Array:
        """Time to convert an operator's inputs and outputs where training computes in a narrow format."""
        return self._casts * values * self.activation_bytes / self._bandwidth * op.quantizable

    def _flops_share(self, op: Operator) -> Array | float:
        return self.rows["flops_share"] if op.quantizable else 1.0

    def _rate(self, op: Operator) -> Array:
        return self._matrix_rate * self._unpacked(op)[0] if op.quantizable else self._wide_rate

    def _read(self, op: Operator) -> Array:
        """Share of the bandwidth that is left where the operator's weights are unpacked."""
        return self._unpacking * self._unpacked(op)[1]

    def _unpacked(self, op: Operator) -> tuple[Array | float, Array | float]:
        """Shares of the matrix rate, and of the traffic's, that unpacking leaves of weights in the stored format."""
        if not self._some_packed:
            return 1.0, 1.0
        name = self.model.format_of(op)
        if name not in self._shares:
            code = np.where(self.rows["requantized"], self.rows["weight_format"], _code(name))
            shares, place = self.machine.unpacking, (self.rows["framework"], code)
            self._shares[name] = (
                np.where(self._packed, shares.rate[place], 1.0), np.where(self._packed, shares.read[place], 1.0)
            )  # fmt: skip
        return self._shares[name]

    def _fixed(self, op: Operator | None = None) -> Array:
        """Launch of a kernel, and of the one that quantizes the inputs of a product."""
        launch = self.machine.kernel_seconds
        return launch + self._quantizing if op is not None and op.quantizable else launch

    def _fill(self, op: Operator, count: Array, outer: Array, inner: Array, parallel: Array | float = 1.0) -> Array:
        """Share of the matrix units that a product of ``count x inner x outer`` keeps busy.

        Padding of rows to what a unit takes, and units left idle in the last wave of blocks; long
        inner products are cut so that small outputs still spread over the units.
        """
        machine = self.machine
        row_fill = count / np.maximum(np.ceil(count / machine.pad_rows) * machine.pad_rows, 1e-9)
        row_fill = np.maximum(row_fill, self._matrix_vectors if op.quantizable else self._wide_vectors)
        blocks = np.ceil(count / machine.tile_rows) * np.ceil(outer / machine.tile_columns) * parallel
        waves = blocks * np.maximum(1.0, inner / machine.split_depth) / machine.units
        wave_fill = np.where(waves > MANY_WAVES, 1.0, waves / np.maximum(np.ceil(waves), 1.0))
        return np.maximum(row_fill * wave_fill, 1e-6)

    def _move(self, moved_bytes: Array, efficiency: Array | None = None) -> Array:
        """Time to move bytes: short transfers do not reach the full rate; what fits the cache is faster."""
        machine = self.machine
        bandwidth = self._bandwidth if efficiency is None else machine.bandwidth * efficiency
        slow = (moved_bytes + machine.ramp_bytes * (moved_bytes > 0)) / bandwidth
        fast = moved_bytes / machine.cache_bandwidth
        return np.where(moved_bytes <= machine.cache_bytes, np.minimum(slow, fast), slow)


def _code(name: str) -> int:
    from advisor.formats import format_code

    return format_code(name)
