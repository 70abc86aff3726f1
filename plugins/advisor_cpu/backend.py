"""The CPU roofline: cores with SIMD or matrix units, caches that hold small models, memory channels."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import FORMATS
from advisor_cpu.runtimes import arithmetic_codes, measured, runtime_column
from advisor_roofline import Machine, RooflineBackend
from advisor_roofline.constants import Constants
from advisor_roofline.describe import describe
from advisor_roofline.frameworks import framework_figure


class CpuBackend(RooflineBackend):
    """Processors: what fits the last-level cache runs at its bandwidth, the rest at the memory channels'.

    Several sockets of a system share work like devices on a slow link.
    """

    name = "cpu"
    doc = "roofline with caches, memory channels, SIMD and matrix units"

    def machine(self, rows: Candidates, context: Context) -> Machine:
        """Describe the processor of every row."""
        devices, index = context.devices, rows["device"]
        constants = Constants.of(context, __package__)
        cache = np.nan_to_num(devices.cache_bytes, nan=2 * 2.0**20)
        clock = np.nan_to_num(devices.clock_hz, nan=2.5e9)
        cache_bandwidth = devices.compute_units * clock * constants["cache_bytes_per_cycle"]
        spread = np.where(measured(context.device_list), constants["measured_spread"], constants["spread"])
        return describe(
            rows, context, constants, idle_share=0.3,
            eager_seconds=np.zeros(len(rows)),  # the host is the device: launches are in its fixed times
            eager_routing_seconds=np.zeros(len(rows)),
            unfused_passes=(constants["unfused_passes"], index),
            image_passes=(constants["unfused_passes"], index),
            optimizer_passes=np.ones(len(rows)),
            layout_passes=np.zeros(len(rows)),
            context_share=np.zeros(len(rows)),  # all of it is the process's own memory
            cache_bytes=(cache * 0.7, index),
            cache_bandwidth=(np.maximum(cache_bandwidth, devices.memory_bandwidth), index),
            tile_rows=(constants["tile_rows"], index),
            tile_columns=(constants["tile_columns"], index),
            spread=(spread, index),
            overhead_bytes=(constants["overhead_gib"] * 2.0**30, index),
            **_runtime(rows, context, constants),
        )  # fmt: skip


#: Constants that differ between the runtimes' kernels.
OF_RUNTIMES = ("matrix_efficiency", "bandwidth_efficiency", "pad_rows")


def _runtime(rows: Candidates, context: Context, constants: Constants) -> dict[str, Array]:
    """What depends on the runtime: fixed times of an operator and of a step, and what its kernels reach."""
    index = rows["device"]
    stage = "train_" if context.workload.trains else ""
    step, sequence = _around(rows, context, constants, stage)
    kernel_us = runtime_column(rows, context, f"{stage}kernel_us", constants["kernel_us"][index])
    if context.model.generates:
        kernel_us = runtime_column(rows, context, f"{stage}decoder_kernel_us", kernel_us)
    kernel_us = kernel_us + constants["thread_us"][index] * (context.devices.compute_units[index] - 1)
    step_us = runtime_column(rows, context, f"{stage}step_us", step)
    sequence_us = runtime_column(rows, context, "sequence_us", sequence)
    kernels = {name: runtime_column(rows, context, name, constants[name][index]) for name in OF_RUNTIMES}
    if context.model.unit == "token":
        linear = runtime_column(rows, context, "linear_bandwidth_efficiency", kernels["bandwidth_efficiency"])
        kernels["bandwidth_efficiency"] = linear
    kernels["matrix_efficiency"] = kernels["matrix_efficiency"] * _held(rows, context, constants)
    convolution = runtime_column(rows, context, "convolution_efficiency", kernels["matrix_efficiency"])
    whole = np.ones(len(rows))
    fuses = context.model.unit == "sample" and not context.workload.trains
    return {
        "kernel_seconds": kernel_us * 1e-6, "step_seconds": step_us * 1e-6, "sequence_seconds": sequence_us * 1e-6,
        "convolution_ratio": convolution / kernels["matrix_efficiency"],
        "stream_efficiency": runtime_column(rows, context, "stream_efficiency", constants["stream_efficiency"][index]),
        "elementwise_share": runtime_column(rows, context, "elementwise_share", whole) if fuses else whole,
        "overlap_sharpness": runtime_column(rows, context, "overlap_sharpness", constants["overlap_sharpness"][index]),
        "matrix_flops": _rate(rows, context),
        **kernels,
    }  # fmt: skip


def _around(rows: Candidates, context: Context, constants: Constants, stage: str) -> tuple[Array, Array]:
    """Microseconds of a step and of a sequence where the runtime has no figures: a server's, or a library call's."""
    index = rows["device"]
    unnamed = np.array([not name for name in context.frameworks])[rows["framework"]]
    called = unnamed & (context.workload.trains or not context.model.generates)
    step = np.where(called, constants[f"{stage}step_us"][index], framework_figure(rows, context, "step_us"))
    return step, np.where(called, constants["sequence_us"][index], framework_figure(rows, context, "sequence_us"))


def _rate(rows: Candidates, context: Context) -> Array:
    """Peak FLOP/s of each row, in the format that its runtime computes in where it has one of its own."""
    code = arithmetic_codes(context)[rows["framework"]]
    own = context.devices.flops[rows["device"], np.maximum(code, 0)]
    return np.where(code < 0, context.peak_flops(rows), own)


def _held(rows: Candidates, context: Context, constants: Constants) -> Array:
    """Share of the data sheet's rate that wide vector code holds: lower clocks, and matrix units that wait for data."""
    index = rows["device"]
    narrow = np.array([entry.bits <= 16 for entry in FORMATS])[context.devices.carrier[index, rows["compute_format"]]]
    tiles = (np.nan_to_num(context.devices.extra("amx", 0.0))[index] > 0) & narrow
    return constants["vector_clock"][index] * np.where(tiles, constants["amx_share"][index], 1.0)
