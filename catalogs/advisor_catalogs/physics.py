"""Does a device's peak rate follow from its units and clock, and is its memory rate possible?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from advisor.devices import Device
from advisor_catalogs.documents import catalog_root, read_toml

TOLERANCE = 0.12  # data sheets round, and some count the boost clock of a cooler card
CPU_FP32 = {512: (64,), 256: (32,), 128: (8, 16, 32)}  # operations of a core in a cycle, by SIMD width
RISING = ("fp64", "fp32", "tf32", "bf16", "fp8", "nvfp4")  # a narrower format is never slower


@cache
def operations_per_cycle() -> dict[str, Any]:
    """Return family to format to the operations of one unit in one cycle."""
    return read_toml(catalog_root() / "physics.toml")


def physics_problems(device: Device) -> Iterator[str]:
    """Yield what in a device's figures contradicts the rest."""
    yield from _rate_problems(device)
    per_gib = device.memory_bandwidth_gb_per_s / device.memory_gib
    if not 0.3 <= per_gib <= 200:
        yield f"memory_bandwidth_gb_per_s: {per_gib:.2g} GB/s a GiB of memory is not plausible (0.3 to 200)"
    rates = [(name, device.peak_tflops[name]) for name in RISING if name in device.peak_tflops]
    for (wide, wide_rate), (narrow, narrow_rate) in pairwise(rates):
        if narrow_rate < wide_rate * 0.99:
            yield f"peak_tflops: {narrow} ({narrow_rate:g}) is slower than {wide} ({wide_rate:g})"
    if device.idle_power_w is not None and device.idle_power_w >= device.board_power_w:
        yield f"idle_power_w: {device.idle_power_w:g} is not below board_power_w {device.board_power_w:g}"
    for name in device.sparse:
        if name not in device.peak_tflops:
            yield f"sparse: {name} has no peak rate"


def _rate_problems(device: Device) -> Iterator[str]:
    if device.clock_ghz is None:
        return
    cycles = device.compute_units * device.clock_ghz * 1e-3  # unit cycles, in 10^12 a second
    if device.kind == "cpu":
        expected: Mapping[str, Sequence[float]] = {"fp32": CPU_FP32.get(int(device.extra.get("simd_bits", 0)), ())}
    elif "mxu_size" in device.extra:
        cycles = device.extra["mxu_count"] * device.clock_ghz * 1e-3
        expected = {"bf16": (2 * device.extra["mxu_size"] ** 2,)}
    else:
        expected = operations_per_cycle().get(device.family, {})
    for name, choices in expected.items():
        rate = device.peak_tflops.get(name)
        if rate is None or not choices:
            continue
        nearest = min((cycles * choice for choice in choices), key=lambda value: abs(value / rate - 1))
        if abs(nearest / rate - 1) > TOLERANCE:
            yield f"peak_tflops: {name} {rate:g} is not near {nearest:.4g}, units x clock x operations a cycle"
