"""Mean power of a device from how busy its arithmetic and its memory are."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime

#: Share of the range from idle to board power that saturated arithmetic, and saturated memory, draw.
#: Patel et al. 2023 (POLCA) measure prompt phases near board power and token phases well below it.
ARITHMETIC_SHARE = 0.95
MEMORY_SHARE = 0.55
WAITING_SHARE = 0.15


def mean_power(step: StepTime, machine: Machine, rows: Candidates) -> Array:
    """Watts of one device averaged over the step."""
    total = np.maximum(step.total, 1e-12)
    arithmetic = step.compute / total
    traffic = step.memory / total
    waiting = 1 - arithmetic - traffic
    activity = ARITHMETIC_SHARE * arithmetic + MEMORY_SHARE * traffic + WAITING_SHARE * waiting
    return machine.idle_power + (machine.board_power - machine.idle_power) * np.clip(activity, 0, 1)
