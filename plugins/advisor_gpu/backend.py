"""The GPU roofline: many small processors, a fast memory, a launch for each kernel, links between cards."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor_roofline import Machine, RooflineBackend
from advisor_roofline.constants import Constants
from advisor_roofline.describe import describe
from advisor_roofline.unpacking import Unpacking


class GpuBackend(RooflineBackend):
    """GPUs and accelerators like them.

    A matrix product fills multiprocessors in blocks of 128 x 128 and so loses the last wave; decode is
    bound by memory, prefill by tensor cores; each kernel costs a fixed time even in a captured graph.
    """

    name = "gpu"
    doc = "roofline with tensor cores, launch overhead and links"

    def machine(self, rows: Candidates, context: Context) -> Machine:
        """Describe the GPU of every row."""
        devices, index = context.devices, rows["device"]
        constants = Constants.of(context, __package__)
        cache = np.nan_to_num(devices.cache_bytes, nan=4 * 2.0**20)
        return describe(
            rows, context, constants, idle_share=0.12,
            quantize_seconds=(constants["quantize_us"] * 1e-6, index),
            unpacking=Unpacking.of(context, __package__),
            cache_bytes=(cache * 0.5, index),
            cache_bandwidth=(devices.memory_bandwidth * constants["cache_bandwidth_ratio"], index),
            tile_rows=(constants["tile_rows"], index),
            tile_columns=(constants["tile_columns"], index),
            pad_rows=(constants["pad_rows"], index),
        )  # fmt: skip
