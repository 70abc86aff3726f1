"""The TPU roofline: a few large systolic arrays, padding to their size, compiled steps, a torus of links."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor_roofline import Machine, RooflineBackend
from advisor_roofline.constants import Constants
from advisor_roofline.describe import describe


class TpuBackend(RooflineBackend):
    """Systolic arrays: products are padded to the array's size, so that narrow layers waste it.

    The array's size comes from the device's ``extra.mxu_size`` (128 where unknown) and their number
    from ``extra.mxu_count``. Steps are compiled, so that kernels cost little to start.
    """

    name = "tpu"
    doc = "roofline with systolic-array padding, HBM and inter-chip links"

    def machine(self, rows: Candidates, context: Context) -> Machine:
        """Describe the TPU of every row."""
        devices, index = context.devices, rows["device"]
        constants = Constants.of(context, __package__)
        return describe(
            rows, context, constants,
            eager_seconds=np.zeros(len(rows)),  # one compiled program
            eager_routing_seconds=np.zeros(len(rows)),
            idle_share=0.25,
            cache_bytes=np.zeros(len(rows)),
            vector_flops=np.zeros(len(rows)),  # products go through the arrays, however few their rows
            cache_bandwidth=(devices.memory_bandwidth, index),
            units=(devices.extra("mxu_count", 4.0), index),
            tile_rows=(constants["pad_rows"], index),
            tile_columns=(devices.extra("mxu_size", 128.0), index),
            pad_rows=(constants["pad_rows"], index),
        )  # fmt: skip
