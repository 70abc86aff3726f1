"""Time that a training step waits for its data: preparation by the hosts' processors, and reading from storage.

Batches are prepared ahead while the step before is computed, so that a step takes as long as the slowest of the three
(Mohan et al. 2021, "Analyzing and Mitigating Data Stalls in DNN Training"). What a sample costs is the user's to say:
the settings ``input_core_ms``, milliseconds of one processor, and ``input_kb``, kilobytes read. A processor that trains
on its own prepares in between.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor_roofline.goodput import STORAGE_BYTES_PER_SECOND

SETTINGS = ("input_core_ms", "input_kb")


def input_seconds(rows: Candidates, context: Context, step_seconds: Array) -> Array:
    """Seconds that a step of the whole unit waits for its samples; 0 where the workload says nothing of them."""
    core_ms, kilobytes = (_setting(context, name) for name in SETTINGS)
    if not core_ms and not kilobytes:
        return np.zeros(len(rows))
    index = rows["system"]
    own = np.array([device.kind == "cpu" for device in context.device_list])[rows["device"]]
    given = np.array([system.host_cpus or np.inf for system in context.system_list])  # where unknown, no limit
    cores = np.where(own, context.devices.compute_units[rows["device"]] * rows["device_count"],
                     given[index] * rows["nodes"])  # fmt: skip
    preparing = rows["global_batch"] * core_ms * 1e-3 / cores
    reading = rows["global_batch"] * kilobytes * 1e3 / (STORAGE_BYTES_PER_SECOND * rows["device_count"])
    ahead = np.maximum(np.maximum(np.where(own, 0.0, preparing), reading) - step_seconds, 0.0)
    return ahead + np.where(own, preparing, 0.0)


def _setting(context: Context, name: str) -> float:
    value = context.workload.settings.get(name, 0.0)
    if value < 0:
        raise InputError(f"settings: {name}: expected zero or more, not {value:g}")
    return value
