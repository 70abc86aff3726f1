"""What hardware offers of each of the five metrics, and how what a model needs compares.

A ratio is need over offer: a time in seconds for compute and bandwidth, a share of memory for
storage, waves of work for parallelism. Peak figures are compared, as data sheets have them: this
says where a model is big for a device and where it is small, not how long it takes (``advisor
estimate`` does).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from advisor.context import DeviceColumns
from advisor.devices import Device
from advisor.estimating import USABLE_MEMORY
from advisor.formats import FORMATS, arithmetic_code, format_named
from advisor.measuring import Question
from advisor.metrics import NOTHING, Metrics, Pass


@dataclass(frozen=True)
class Offering:
    """``count`` devices taken together, for a model of one weight format."""

    device: Device
    count: int
    compute_format: str
    flops_per_s: float
    bytes_per_s: float
    memory_bytes: float

    @property
    def lanes(self) -> float | None:
        """Multiply-adds in flight a clock cycle; None where the clock is not known."""
        clock = self.device.clock_ghz
        return None if clock is None else self.flops_per_s / (2 * clock * 1e9)

    @property
    def ridge(self) -> float:
        """FLOPs a byte from which on arithmetic, not memory, is the limit."""
        return self.flops_per_s / self.bytes_per_s

    def parameters(self, bits: float) -> float:
        """Parameters of so many bits that its memory holds."""
        return self.memory_bytes * USABLE_MEMORY / (bits / 8)


def offering(device: Device, count: int, asked: Question) -> Offering:
    """What ``count`` of the device offer to a model's own format, or the one that carries it."""
    columns = DeviceColumns([device])
    code = arithmetic_code(asked.model.weight_format)
    carrier = FORMATS[int(columns.carrier[0, code])].name
    return Offering(device, count, carrier, count * float(columns.flops[0, code]),
                    count * float(columns.memory_bandwidth[0]), count * float(columns.memory_bytes[0]))  # fmt: skip


def compare(need: Metrics, offer: Offering, asked: Question) -> dict[str, Any]:
    """Each metric's need, offer and ratio; ``None`` where the device does not say."""
    work, moved = step(need)
    bits = 8 * need.weight_bytes / need.parameters if need.parameters else format_named(asked.model.weight_format).bits
    holds = offer.parameters(bits)
    return {
        "parameters": _ratio(need.parameters, holds, ""),
        "compute": _ratio(work.flops, offer.flops_per_s, "s"),
        "storage": _ratio(need.storage_bytes, offer.memory_bytes * USABLE_MEMORY, ""),
        "bandwidth": _ratio(moved.bytes, offer.bytes_per_s, "s"),
        "parallelism": _ratio(need.independent, offer.lanes, ""),
        "bound": {key: bound(one, offer) for key, one in need.passes.items()},
    }


def step(need: Metrics) -> tuple[Pass, Pass]:
    """The passes whose FLOPs and whose bytes matter most: prefill and decode, or all of a training step."""
    if "decode" in need.passes:
        return need.passes["prefill"], need.passes["decode"]
    whole = sum(need.passes.values(), NOTHING)
    return whole, whole


def bound(one: Pass, offer: Offering) -> str:
    """``compute`` or ``memory``, by the roofline at peak rates; empty where there is no work."""
    if not one.bytes and not one.flops:
        return ""
    return "compute" if one.intensity >= offer.ridge else "memory"


def _ratio(need: float, offer: float | None, unit: str) -> dict[str, Any]:
    return {"need": need, "offer": offer, "ratio": None if not offer else need / offer, "unit": unit}


def smallest_count(need: Metrics, device: Device) -> int:
    """Fewest devices whose memory holds everything, however it is divided."""
    each = device.memory_gib * 2**30 * USABLE_MEMORY
    return max(1, math.ceil(need.storage_bytes / each))


def largest_split(need: Metrics) -> int:
    """Devices over which the weights can be divided: tensor or expert, times pipeline."""
    axes = need.axes
    return max(axes.get("tensor", 1), axes.get("expert", 1), 1) * max(axes.get("pipeline", 1), 1)
