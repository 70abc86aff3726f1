"""Power that a facility draws for each candidate: devices, their hosts, and what cooling and supply add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor_energy.figures import energy_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import Places, stack


@dataclass(frozen=True)
class FacilityPower:
    """Mean power in W at the actual load of all units, in parts and in total."""

    devices: Interval
    host: Interval
    total: Interval

    @property
    def overhead(self) -> Array:
        """What cooling and power supply add."""
        return np.asarray(self.total.value - self.devices.value - self.host.value)


def facility_power(rows: Candidates, context: Context, where: Places) -> FacilityPower:
    """Return (devices + host) x PUE for every row, W.

    The column ``power`` is of the devices alone, idle time included.
    """
    devices = Interval.of(rows, "power")
    host = host_power(rows, context, devices)
    return FacilityPower(devices, host, (devices + host) * where.pue.take(rows["offer"]))


def host_power(rows: Candidates, context: Context, devices: Interval) -> Interval:
    """Return the power of the hosts, W.

    A host whose power is known draws its idle share and, of the rest, what the load asks for
    (Fan, Weber and Barroso, Power provisioning for a warehouse-sized computer, ISCA 2007: linear in
    utilisation). Where it is not known, it is a share of the devices' power.
    """
    figures = energy_figures()
    shares = stack(
        (figure.value, figure.low, figure.high)
        for device in context.device_list
        for figure in [figures.get(f"host_share_{device.kind}", figures["host_share"])]
    )
    by_share = devices * shares.take(rows["device"])
    full = context.systems.host_power[rows["system"]] * rows["nodes"] * rows["units"]
    known = np.isfinite(full)
    if not known.any():
        return by_share
    idle = figures["host_idle_share"]
    load = rows["load"]
    by_load = Interval(*(full * (share + (1 - share) * load) for share in (idle.value, idle.low, idle.high)))
    return by_load.where(known, by_share)
