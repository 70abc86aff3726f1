"""Figures that every roofline takes from the catalog and from its plugin's constants in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.formats import format_code
from advisor_roofline.constants import Constants
from advisor_roofline.frameworks import framework_columns
from advisor_roofline.goodput import DEVICE_HOURS_BETWEEN_FAILURES
from advisor_roofline.links import link_columns
from advisor_roofline.machine import Machine
from advisor_roofline.step import OVERLAP_SHARPNESS
from advisor_roofline.unpacking import Unpacking

#: Share of a serving engine's overhead that is left in training, where no graphs are captured.
TRAINING_OVERHEAD = 0.4


def describe(rows: Candidates, context: Context, constants: Constants, *, idle_share: float, **own: Any) -> Machine:
    """Build a machine from the devices' figures and the constants; ``own`` gives or replaces fields.

    ``idle_share`` of the board power stands for an idle power that no source gives.
    """
    devices, index, trains = context.devices, rows["device"], context.workload.trains
    one, nothing = np.ones(len(rows)), np.zeros(len(rows))
    idle = np.where(np.isnan(devices.idle_power), idle_share * devices.board_power, devices.idle_power)
    figures: dict[str, Any] = {
        "matrix_flops": context.peak_flops(rows),
        "wide_flops": (devices.flops[:, format_code("bf16")], index),
        "vector_flops": (devices.flops[:, format_code("fp32")], index),
        "bandwidth": (devices.memory_bandwidth, index),
        "units": (devices.compute_units, index),
        "matrix_efficiency": (constants["matrix_efficiency"], index),
        "elementwise_share": one,
        "stream_efficiency": (constants["bandwidth_efficiency"], index),
        "overlap_sharpness": np.full(len(rows), OVERLAP_SHARPNESS),
        "convolution_ratio": one,
        "split_depth": (constants["split_depth"], index),
        "link_efficiency": (constants["link_efficiency"], index),
        "attention_efficiency": (constants["attention_efficiency"], index),
        "training_attention": (constants["training_attention"], index),
        "decode_attention_efficiency": (constants["decode_attention_efficiency"], index),
        "bandwidth_efficiency": (constants["bandwidth_efficiency"], index),
        "cache_read_efficiency": (constants["cache_read_efficiency"], index),
        "expert_read_efficiency": (constants["expert_read_efficiency"], index),
        "prefill_interference": (constants["prefill_interference"], index),
        "collective_seconds": (constants["collective_us"] * 1e-6, index),
        "dequantize_efficiency": (constants["dequantize_efficiency"], index),
        "routing_seconds": (constants["routing_us"] * 1e-6, index),
        "kernel_seconds": (constants["kernel_us"] * 1e-6, index),
        "quantize_seconds": nothing,
        "unpacking": Unpacking.of(context),
        "ramp_bytes": (constants["ramp_us"] * 1e-6 * devices.memory_bandwidth, index),
        "sustained": (constants["sustained"], index) if trains else one,
        "cast_passes": (constants["cast_passes"], index) if trains else nothing,
        "board_power": (devices.board_power, index),
        "idle_power": (idle, index),
        "overhead_bytes": (constants["overhead_gib"] * 2.0**30 * (TRAINING_OVERHEAD if trains else 1.0), index),
        "spread": (constants["training_spread" if trains else "spread"], index),
        "context_share": one,
        "failure_hours": (constants.given("hours_between_failures", DEVICE_HOURS_BETWEEN_FAILURES), index),
        **framework_columns(rows, context),
        **link_columns(rows, context),
    }
    return Machine(**(figures | own))
