"""Mean power of a device from how busy its parts are, and what a cap on it does to its clock.

Between idle and board power the draw is a sum over what takes the time: arithmetic (near board power, Patel et al.
2023, POLCA), memory traffic, links, and launches between which the device waits. A cap slows the clock of everything
but the memory: power of the clocked part goes as clock ** exponent, as voltage falls with it (Le Sueur and Heiser,
Dynamic voltage and frequency scaling: the laws of diminishing returns, HotPower 2010). The clock is set so that
saturated arithmetic stays within the cap, whatever the step does.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from advisor.candidates import Array, Candidates
from advisor_roofline.machine import Machine
from advisor_roofline.step import StepTime

SLOWEST_CLOCK = 0.2


@functools.cache
def power_constants() -> Mapping[str, float]:
    """Return the fitted constants of ``power.toml``."""
    from advisor.compiled import toml_data

    return toml_data(Path(__file__).with_name("power.toml"))


def mean_power(step: StepTime, machine: Machine, rows: Candidates, backend: str = "") -> Array:
    """Watts of one device of a backend averaged over the step, within its cap."""
    shares = power_constants()
    total = np.maximum(step.total, 1e-12)
    clocked = shares["arithmetic"] * step.compute + shares["waiting"] * (step.launch + step.host)
    others = shares["traffic"] * step.memory + shares["link"] * step.link
    cap = rows["power_cap"]
    most: Array | float = 1.0
    if (cap < 1).any():
        clocked = clocked * clock_under_cap(machine, cap) ** shares["clock_exponent"]
        most = (cap * machine.board_power - machine.idle_power) / (machine.board_power - machine.idle_power)
    scale = shares.get(f"scale_{backend}", 1.0)
    activity = np.clip(scale * (clocked + others) / total, 0, np.maximum(most, 0))
    return np.asarray(machine.idle_power + (machine.board_power - machine.idle_power) * activity)


def clock_under_cap(machine: Machine, cap: Array) -> Array:
    """Return the clock, over that at board power, at which saturated arithmetic draws ``cap`` of board power."""
    span = np.maximum(machine.board_power - machine.idle_power, 1e-9)
    left = np.maximum(cap * machine.board_power - machine.idle_power, 0) / span
    return np.asarray(np.clip(left ** (1 / power_constants()["clock_exponent"]), SLOWEST_CLOCK, 1.0))


def under_cap(machine: Machine, rows: Candidates) -> Machine:
    """Return the machine at the clock that its cap allows; memory and links keep theirs."""
    cap = rows["power_cap"]
    if not (cap < 1).any():
        return machine
    clock = clock_under_cap(machine, cap)
    faster = {name: getattr(machine, name) * clock for name in
              ("matrix_flops", "wide_flops", "vector_flops", "cache_bandwidth")}  # fmt: skip
    slower = {name: getattr(machine, name) / clock for name in ("kernel_seconds", "routing_seconds")}
    return machine.replace(**faster, **slower)
