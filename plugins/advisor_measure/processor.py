"""Measuring this machine's processor and making a device of it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence

import numpy as np

from advisor.devices import Device, Source
from advisor_measure.clock import Foreign, least_seconds
from advisor_measure.constants import processor_figures
from advisor_measure.facts import Facts, read_facts
from advisor_measure.products import Product, measure_cold_weights, measure_products, numpy_multiply
from advisor_measure.runtimes import Runtime, measure_runtimes
from advisor_measure.traffic import Traffic, measure_traffic

#: Board power of server processors over their cores: EPYC 9654 360 W / 96, Xeon 8592+ 350 W / 64 (catalog).
WATTS_A_CORE = 4.5
ASSUMED_CLOCK_HZ = 3.0e9


def measure_processor(seconds: float, tell: Callable[[str], None], runtimes: bool = True) -> Device:
    """Measure memory, products, small operations and the installed runtimes in about ``seconds``."""
    facts = read_facts()
    cache = _last_cache(facts)
    foreign = Foreign.start()
    tell("memory and cache bandwidth")
    traffic = measure_traffic(facts.cores, cache, facts.memory_bytes, 0.12 * seconds)
    tell("matrix products")
    products = measure_products(numpy_multiply, "fp32", 0.25 * seconds)
    tell("small operations")
    small = np.ones(16, dtype=np.float32)
    kernel_s = least_seconds(lambda: np.add(small, small), 0.02 * seconds)
    found: list[Runtime] = []
    if runtimes:
        tell("installed runtimes")
        found = measure_runtimes(0.45 * seconds, cache)
    weight_read = measure_cold_weights(numpy_multiply, cache, 0.05 * seconds)
    return make_processor(facts, traffic, products, found, kernel_s, weight_read, foreign.processors())


def make_processor(
    facts: Facts, traffic: dict[str, Traffic], products: Sequence[Product], runtimes: Sequence[Runtime],
    kernel_s: float, weight_read: float, foreign: float,
) -> Device:  # fmt: skip
    """Make the device ``local-cpu`` of what was measured; ``foreign`` processors were kept busy by others."""
    today = datetime.date.today()
    clock = facts.clock_hz or ASSUMED_CLOCK_HZ
    cache = _last_cache(facts)
    peaks, extra = processor_figures(products, traffic, runtimes, facts.cores, clock, cache, kernel_s, weight_read)
    extra |= {
        "numa_nodes": facts.numa_nodes, "sockets": facts.sockets, "threads_per_core": facts.threads_per_core,
        "amx": float("amx_bf16" in facts.flags),
        "simd_bits": 512.0 if "avx512f" in facts.flags else 256.0 if "avx2" in facts.flags else 128.0,
        "busy_by_others": round(foreign, 2),
    }  # fmt: skip
    versions = ", ".join(["numpy " + np.__version__, *(f"{runtime.name} {runtime.version}" for runtime in runtimes)])
    peak = {name: rate / 1e12 for name, rate in sorted(peaks.items())}
    estimated = {
        "peak_tflops": "best rate of a matrix product that was measured, in any installed runtime",
        "memory_bandwidth_gb_per_s": "the larger of reading and of adding two arrays into a third, on all cores",
        "board_power_w": f"{WATTS_A_CORE} W a core, as server processors are sold; not measured",
    }
    if facts.clock_hz is None:
        estimated["clock_ghz"] = "assumed: the system does not say"
    return Device(
        id="local-cpu", name=f"this machine: {facts.model}, {facts.cores} cores", vendor=facts.vendor, kind="cpu",
        family="measured", aliases=("this-machine",), memory_gib=facts.memory_bytes / 2**30,
        memory_bandwidth_gb_per_s=max(traffic["memory"].triad, traffic["memory"].read) / 1e9,
        peak_tflops={name: _round(rate) for name, rate in peak.items()}, compute_units=facts.cores,
        clock_ghz=clock / 1e9, cache_mib=cache / 2**20, board_power_w=WATTS_A_CORE * facts.cores,
        extra={name: _round(value) for name, value in extra.items()}, estimated=estimated,
        sources={"measured": Source(title=f"measured on this machine by `advisor measure` ({versions})", date=today)},
    )  # fmt: skip


def _last_cache(facts: Facts) -> int:
    return facts.cache_bytes[max(facts.cache_bytes)] if facts.cache_bytes else 2 << 20


def _round(value: float, digits: int = 4) -> float:
    return value if value == 0 or not math.isfinite(value) else float(f"{value:.{digits}g}")
