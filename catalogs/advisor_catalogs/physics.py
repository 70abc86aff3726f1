"""Does a device's peak rate follow from its units and clock, and is its memory rate possible?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from advisor.devices import Device
from advisor_catalogs.documents import catalog_root, read_toml
from advisor_catalogs.grid_hours import HOURS, GridDay

TOLERANCE = 0.12  # data sheets round, and some count the boost clock of a cooler card
CPU_FP32 = {512: (32, 64), 256: (32,), 128: (8, 16, 32)}  # operations of a core in a cycle, by SIMD width
#: Mega-transfers a second of DDR, LPDDR and GDDR memory (JEDEC JESD79, JESD209, JESD212, JESD239 and vendors' grades).
TRANSFERS = (1333, 1600, 1866, 2133, 2400, 2666, 2933, 3200, 3600, 3733, 4000, 4266, 4400, 4800, 5000, 5200, 5600,
             6000, 6400, 7000, 7200, 7467, 8000, 8533, 8800, 9000, 9600, 10_000, 11_000, 12_000, 12_500, 13_000,
             14_000, 14_500, 15_000, 15_500, 16_000, 17_000, 17_500, 18_000, 19_000, 19_500, 20_000, 21_000, 22_400,
             23_000, 24_000, 25_000, 28_000, 30_000, 32_000)  # fmt: skip
MEAN_TOLERANCE = 0.005  # of a grid's hours, which are rounded
MEMORY_TOLERANCE = 0.025  # Apple writes 200 GB/s for 204.8
STACKED_TRANSFERS = (1300, 11_500)  # HBM2 to HBM4, which vendors clock as they like
FASTEST_MODULE = 9600  # LPDDR5X: faster grades are of GDDR memory
WIDEST_UNSTACKED = 512  # bits of the widest memory that is not HBM, but for Apple's Ultra chips
ON_CHIP_PER_GIB = 1e6  # on-chip memory: Groq and Cerebras have some 4e5 GB/s a GiB
RISING = ("fp64", "fp32", "tf32", "bf16", "fp8", "nvfp4")  # a narrower format is never slower


@cache
def operations_per_cycle() -> dict[str, Any]:
    """Return family to format to the operations of one unit in one cycle."""
    return read_toml(catalog_root() / "physics.toml")


def physics_problems(record: Device | GridDay) -> Iterator[str]:
    """Yield what in the figures of a device, or of a grid's day, contradicts the rest."""
    yield from device_problems(record) if isinstance(record, Device) else day_problems(record)


def day_problems(day: GridDay) -> Iterator[str]:
    """Yield hours of a grid's day that are not 24, or whose mean is not that of the year."""
    if len(day.shares) != len(HOURS):
        yield f"shares: {len(day.shares)} hours, expected {len(HOURS)}"
    mean = sum(day.shares) / max(len(day.shares), 1)
    if abs(mean - 1) > MEAN_TOLERANCE:
        yield f"shares: their mean is {mean:.3f}, expected 1: each hour is over the mean of the year"


def family_problems(devices: Sequence[Device]) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for what is wrong in ``physics.toml``: families that no device has, rates that are none."""
    families = {device.family for device in devices}
    for family, rates in operations_per_cycle().items():
        if family not in families:
            yield "references", f"physics.toml: no device is of the family {family!r}"
        for name, choices in rates.items():
            if not choices or not all(isinstance(choice, (int, float)) and choice > 0 for choice in choices):
                yield "schema", f"physics.toml: {family}: {name}: expected operations a unit and cycle above 0"


def device_problems(device: Device) -> Iterator[str]:
    """Yield what in a device's figures contradicts the rest."""
    yield from _rate_problems(device)
    per_gib = device.memory_bandwidth_gb_per_s / device.memory_gib
    most = ON_CHIP_PER_GIB if "on_chip_memory" in device.extra else 200
    if not 0.3 <= per_gib <= most:
        yield f"memory_bandwidth_gb_per_s: {per_gib:.2g} GB/s a GiB of memory is not plausible (0.3 to {most:g})"
    yield from _memory_problems(device)
    rates = [(name, device.peak_tflops[name]) for name in RISING if name in device.peak_tflops]
    for (wide, wide_rate), (narrow, narrow_rate) in pairwise(rates):
        if narrow_rate < wide_rate * 0.99:
            yield f"peak_tflops: {narrow} ({narrow_rate:g}) is slower than {wide} ({wide_rate:g})"
    if device.idle_power_w is not None and device.idle_power_w >= device.board_power_w:
        yield f"idle_power_w: {device.idle_power_w:g} is not below board_power_w {device.board_power_w:g}"
    for name in device.sparse:
        if name not in device.peak_tflops:
            yield f"sparse: {name} has no peak rate"


def _memory_problems(device: Device) -> Iterator[str]:
    """Yield a memory rate that is not the width of the memory times a transfer rate of some memory."""
    bus = device.extra.get("memory_bus_bits")
    bits = bus or 64 * device.extra.get("memory_channels", 0)
    if not bits:
        return
    transfers = device.memory_bandwidth_gb_per_s * 8e3 / bits
    least, most = STACKED_TRANSFERS
    if bus and bus > WIDEST_UNSTACKED:
        known = least <= transfers <= most
    else:
        grades = [rate for rate in TRANSFERS if device.kind != "cpu" or rate <= FASTEST_MODULE]
        known = any(abs(transfers / rate - 1) < MEMORY_TOLERANCE for rate in grades)
    if not known:
        yield f"memory_bandwidth_gb_per_s: {transfers:.0f} MT/s on {bits:g} bits is no transfer rate of any memory"


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
