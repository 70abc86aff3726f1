"""From measured times to the constants that the roofline computes with, as ``extra`` figures of the device.

``efficiency.NAME`` replaces the constant NAME of the device's family, ``efficiency.RUNTIME.NAME`` that of one runtime
on it. Peaks are the best rates that were measured, so that efficiencies are shares of what this machine can do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from advisor_measure.products import Product
from advisor_measure.runtimes import Runtime
from advisor_measure.traffic import Traffic

#: Rows from which on a product is bound by arithmetic, so that its rate is the efficiency.
MANY_ROWS = 128
#: Rows that BLAS libraries may pad a product to: the heights of their register blocks.
PADS = (1, 2, 4, 6, 8, 12, 16)


def peak_rates(products: Iterable[Product]) -> dict[str, float]:
    """Best FLOP/s by format."""
    best: dict[str, float] = {}
    for product in products:
        best[product.format] = max(best.get(product.format, 0.0), product.flops_per_s)
    return best


def matrix_efficiency(products: Sequence[Product], peak: float) -> float | None:
    """Median share of the peak that products of many rows reach."""
    shares = [product.flops_per_s / peak for product in products if product.rows >= MANY_ROWS]
    return min(1.0, float(np.median(shares))) if shares else None


def pad_rows(products: Sequence[Product], rate: float, bandwidth: float, cache_bandwidth: float,
             cache_bytes: float, kernel_s: float) -> float:  # fmt: skip
    """Height that few rows are padded to: the one of ``PADS`` with the least squared error of log times."""

    def error(pad: int) -> float:
        total = 0.0
        for product in products:
            if product.rows >= MANY_ROWS:
                continue
            padded = math.ceil(product.rows / pad) * pad
            arithmetic = 2.0 * padded * product.inputs * product.outputs / rate
            size = 4.0 * (product.inputs * product.outputs + product.rows * (product.inputs + product.outputs))
            traffic = size / (cache_bandwidth if size <= cache_bytes else bandwidth)
            total += math.log((max(arithmetic, traffic) + kernel_s) / product.seconds) ** 2
        return total

    return float(min(PADS, key=error))


def processor_figures(
    products: Sequence[Product], traffic: dict[str, Traffic], runtimes: Sequence[Runtime],
    cores: int, clock_hz: float, cache_bytes: float, kernel_s: float, weight_read: float,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the peak FLOP/s by format, and the ``extra`` figures of the processor."""
    fp32 = [product for product in products if product.format == "fp32"]
    everything = [*products, *(product for runtime in runtimes for product in runtime.products)]
    peaks = peak_rates(everything)
    bandwidth, cache = traffic["memory"], traffic["cache"]
    highest = max(bandwidth.read, bandwidth.triad)
    own = matrix_efficiency(fp32, peaks["fp32"]) or 0.7
    pad = pad_rows(fp32, own * peaks["fp32"], bandwidth.read, cache.read, cache_bytes, kernel_s)
    extra = {
        "efficiency.matrix_efficiency": own,
        "efficiency.bandwidth_efficiency": min(1.0, weight_read / highest),
        "efficiency.cache_read_efficiency": bandwidth.read / highest,
        "efficiency.expert_read_efficiency": bandwidth.read / highest,
        "efficiency.cache_bytes_per_cycle": math.sqrt(cache.triad * cache.read) / cores / clock_hz,
        "efficiency.pad_rows": pad,
        "efficiency.kernel_us": kernel_s * 1e6,
        "efficiency.amx_share": 1.0,  # peaks are measured, with whatever units the machine has
    }
    for runtime in runtimes:
        extra |= runtime_figures(runtime, peaks, highest, cache.read, cache_bytes)
    return peaks, extra


def runtime_figures(runtime: Runtime, peaks: dict[str, float], bandwidth: float, cache_bandwidth: float,
                    cache_bytes: float) -> dict[str, float]:  # fmt: skip
    """The ``efficiency.RUNTIME.NAME`` figures of one runtime."""
    single = [product for product in runtime.products if product.format == "fp32"]
    share = matrix_efficiency(single, peaks["fp32"])
    convolution = float(np.median(runtime.convolution_flops)) / peaks["fp32"] if runtime.convolution_flops else None
    read = runtime.weight_read and min(1.0, runtime.weight_read / bandwidth)
    pad = pad_rows(single, share * peaks["fp32"], (read or 1.0) * bandwidth, cache_bandwidth, cache_bytes,
                   runtime.kernel_s or 0.0) if share else None  # fmt: skip
    figures = {
        "kernel_us": runtime.kernel_s and runtime.kernel_s * 1e6,
        "step_us": runtime.step_s and runtime.step_s * 1e6,
        "train_kernel_us": runtime.train_kernel_s and runtime.train_kernel_s * 1e6,
        "decoder_kernel_us": runtime.decoder_kernel_s and runtime.decoder_kernel_s * 1e6,
        "train_decoder_kernel_us": runtime.train_decoder_kernel_s and runtime.train_decoder_kernel_s * 1e6,
        "train_step_us": runtime.train_step_s and runtime.train_step_s * 1e6,
        "matrix_efficiency": share,
        "convolution_efficiency": convolution and min(1.0, convolution),
        "bandwidth_efficiency": read,
        "linear_bandwidth_efficiency": read,
        "stream_efficiency": runtime.streamed and min(1.0, runtime.streamed / bandwidth),
        "pad_rows": pad,
    }
    return {f"efficiency.{runtime.name}.{name}": value for name, value in figures.items() if value}
