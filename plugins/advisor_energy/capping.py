"""Capping the power of devices: the way to fit more of them, or larger ones, under a power budget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.devices import Source
from advisor.errors import InputError
from advisor.interfaces import Refusals, Technique

#: Percent of board power that devices are capped to.
CAPS = (80, 60, 45)
#: Caps below this multiple of idle power leave no room to work.
LEAST_OVER_IDLE = 1.5


class PowerCap(Technique):
    """Limit each device to a share of its board power; tried where the workload has a power budget."""

    name = "power_cap"
    slot = "power"
    stage = "runtime"
    doc = "devices limited to this percentage of board power: slower arithmetic, memory at its own rate"
    sources = (
        Source(title="You, Chung, Chowdhury, Zeus: Understanding and optimizing GPU energy consumption of DNN training "
               "(NSDI 2023)", url="https://www.usenix.org/conference/nsdi23/presentation/you", date=date(2023, 4, 17)),
        Source(title="Patel et al., POLCA: Power oversubscription in LLM cloud providers (2023)",
               url="https://arxiv.org/abs/2308.12908", date=date(2023, 8, 24)),
    )  # fmt: skip

    def settings(self, context: Context) -> Sequence[int | str]:
        """Shares of board power in percent; none without a power budget, but where the user names one."""
        named = any(text.replace("-", "_").partition("=")[0] == self.name for text in context.workload.techniques)
        return CAPS if named or context.workload.power_budget is not None else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        """Set the cap; a device whose cap is near its idle power cannot work under it."""
        rows["power_cap"] = _share(setting)
        devices = context.devices
        idle = devices.idle_power[rows["device"]]
        low = devices.board_power[rows["device"]] * rows["power_cap"] < LEAST_OVER_IDLE * idle
        return [(low, "the cap is too close to its idle power")]


def _share(setting: int | str) -> float:
    """Percent of board power as a share of it."""
    try:
        percent = float(setting)
    except ValueError:
        percent = 0.0
    if not 10 <= percent <= 100:
        raise InputError(f"power_cap: expected a percentage of board power from 10 to 100, not {setting!r}")
    return percent / 100
