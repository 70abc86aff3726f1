"""Share of a long run's time that makes progress, after failures, restarts and checkpoints.

A run on n devices fails n times as often as one device. With a checkpoint each interval the work since the last one
is lost at a failure, and a restart costs a fixed time; the best interval is the square root of twice the time of a
checkpoint and the mean time between failures (Young 1974; Daly 2006, "A higher order estimate of the optimum
checkpoint interval for restart dumps").
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor_roofline.links import PCIE_BANDWIDTH
from advisor_roofline.machine import Machine

#: Hours between unexpected interruptions of one device, where its backend gives no others: 419 in 54 days on 16,384
#: H100, their hosts and network included (Llama Team 2024, "The Llama 3 Herd of Models", section 3.3.4).
DEVICE_HOURS_BETWEEN_FAILURES = 54 * 24 * 16384 / 419
#: Seconds from a failure to training again: detection, replacement, loading. Estimated: with it the model gives the
#: effective training time of more than 90 % that the same section reports.
RESTART_SECONDS = 600.0
#: Storage bandwidth of one device's share: 2 TB/s sustained for 16,384 devices (the same paper, section 3.3.1).
STORAGE_BYTES_PER_SECOND = 2e12 / 16384


def checkpoint_seconds(state_bytes: Array) -> tuple[Array, Array]:
    """Seconds that training waits for one checkpoint, and that its write takes behind it, of one device's bytes.

    Training waits while the state is copied to the host; it is written to storage while training goes on.
    """
    return state_bytes / PCIE_BANDWIDTH, state_bytes / STORAGE_BYTES_PER_SECOND


def best_interval(waits: Array, failures: Array) -> Array:
    """Young's interval between checkpoints: ``waits`` seconds for each, ``failures`` seconds between failures."""
    return np.sqrt(2.0 * waits * failures)


def goodput(waits: Array, write: Array, failures: Array, restart: float = RESTART_SECONDS) -> Array:
    """Share of the time that makes progress, with the best interval that a write behind it allows."""
    interval = np.maximum(best_interval(waits, failures), np.maximum(write, 1.0))
    lost = waits / interval + (interval / 2.0 + restart) / failures
    return 1.0 / (1.0 + lost)


def fill_goodput(rows: Candidates, machine: Machine) -> None:
    """Set ``goodput`` from the devices and from what each of them writes: its weights and optimizer state."""
    replicas = np.where(rows["shard_stage"] >= 1, 1.0, np.maximum(rows["data_parallel"], 1))
    state = rows["memory_weights"] + rows["memory_optimizer"] / replicas
    waits, write = checkpoint_seconds(state)
    failures = machine.failure_hours * 3600.0 / rows["device_count"]
    rows["goodput"] = goodput(waits, write, failures)
