"""What a figure can be at all: a slip of a unit (MiB for GiB, kW for W, TB/s for GB/s) falls outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.devices import Device
from advisor.records import Checked

#: Kind of entry to figure to the least and most that any entry can have. On-chip memory is apart, below.
RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "device": {
        "memory_gib": (1, 2048),
        "memory_bandwidth_gb_per_s": (4, 40_000),
        "compute_units": (1, 1_000_000),
        "clock_ghz": (0.3, 6.5),
        "cache_mib": (0.25, 2048),
        "board_power_w": (2, 30_000),
        "idle_power_w": (0.5, 1000),
        "embodied_kg_co2e": (1, 20_000),
        "link.bandwidth_gb_per_s": (0.1, 20_000),
        "link.latency_us": (0.05, 100),
        "network.bandwidth_gb_per_s": (0.1, 2000),
        "network.latency_us": (0.5, 200),
    },
    "system": {
        "device_count": (1, 1024),
        "host_cpus": (1, 4096),
        "host_memory_gib": (0.5, 65_536),
        "host_power_w": (1, 60_000),
        "link.bandwidth_gb_per_s": (0.1, 20_000),
        "link.latency_us": (0.05, 100),
        "network.bandwidth_gb_per_s": (0.1, 20_000),
        "network.latency_us": (0.5, 200),
    },
    "offer": {"purchase_usd": (20, 20_000_000), "lifetime_years": (1, 15), "pue": (1, 3)},
    "grid": {
        "intensity_g_per_kwh": (0, 1500),
        "marginal_g_per_kwh": (0, 1800),
        "year": (2015, 2100),
        "price_usd_per_kwh": (0.005, 1),
    },
    "facility": {"pue": (1, 3), "water_l_per_kwh": (0, 10), "carbon_free_share": (0, 1)},
    "charge": {"egress_usd_per_gb": (0, 0.5), "storage_usd_per_gb_month": (0, 1)},
    "token_price": {"input_usd_per_million": (0, 200), "output_usd_per_million": (0, 1000)},
    "currency": {"per_usd": (0.05, 100_000)},
    "grid_day": {"year": (2015, 2100)},
}
ON_CHIP = {"memory_gib": (0.05, 256), "memory_bandwidth_gb_per_s": (1000, 1e8)}
PEAK_TFLOPS = (0.002, 200_000)  # from a Raspberry Pi's fp64 to a wafer's fp16


def range_problems(kind: str, record: Checked) -> Iterator[str]:
    """Yield the figures of one entry that lie outside of what any such entry can have."""
    limits: Mapping[str, tuple[float, float]] = RANGES.get(kind, {})
    if isinstance(record, Device):
        if "on_chip_memory" in record.extra:
            limits = {**limits, **ON_CHIP}
        limits = {**limits, **{f"peak_tflops.{name}": PEAK_TFLOPS for name in record.peak_tflops}}
    for figure, (least, most) in limits.items():
        value = _figure(record, figure.split("."))
        if value is not None and not least <= value <= most:
            yield f"{figure}: {value:g} is outside of {least:g} to {most:g}; is the unit right?"


def _figure(record: Checked, path: Sequence[str]) -> float | None:
    value: object = record
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return float(value) if isinstance(value, (int, float)) else None
