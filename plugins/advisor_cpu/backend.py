"""The CPU roofline: cores with SIMD or matrix units, caches that hold small models, memory channels."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor_roofline import Machine, RooflineBackend
from advisor_roofline.constants import Constants
from advisor_roofline.describe import describe


class CpuBackend(RooflineBackend):
    """Processors: what fits the last-level cache runs at its bandwidth, the rest at the memory channels'.

    Several sockets of a system share work like devices on a slow link.
    """

    name = "cpu"
    doc = "roofline with caches, memory channels, SIMD and matrix units"

    def machine(self, rows: Candidates, context: Context) -> Machine:
        """Describe the processor of every row."""
        devices, index = context.devices, rows["device"]
        constants = Constants(__package__, context.device_list)
        cache = np.nan_to_num(devices.cache_bytes, nan=2 * 2.0**20)
        clock = np.nan_to_num(devices.clock_hz, nan=2.5e9)
        cache_bandwidth = devices.compute_units * clock * constants["cache_bytes_per_cycle"]
        return describe(
            rows, context, constants, idle_share=0.3,
            cache_bytes=cache[index] * 0.7,
            cache_bandwidth=np.maximum(cache_bandwidth, devices.memory_bandwidth)[index],
            tile_rows=constants["tile_rows"][index],
            tile_columns=constants["tile_columns"][index],
            pad_rows=constants["pad_rows"][index],
        )  # fmt: skip
