"""Power that a facility draws for each candidate: devices, their hosts, and what cooling and supply add."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from advisor.candidates import Array
from advisor.context import Context
from advisor_energy.figures import energy_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import Places, stack
from advisor_energy.sight import Sight


class FacilityPower(Struct, frozen=True):
    """Mean power in W at the actual load of all units, in parts and in total."""

    devices: Interval
    host: Interval
    total: Interval

    @property
    def machines(self) -> Interval:
        """What the machines draw, before cooling and power supply."""
        return self.devices + self.host

    @property
    def overhead(self) -> Array:
        """What cooling and power supply add."""
        return np.asarray(self.total.value - self.devices.value - self.host.value)


def facility_power(sight: Sight, where: Places) -> FacilityPower:
    """Return (devices + host) x PUE for every row, W.

    The column ``power`` is of the devices alone, idle time included.
    """
    devices = sight.column("power")
    host = host_power(sight, devices)
    return FacilityPower(devices, host, (devices + host) * sight.take(where.pue, sight["offer"]))


def host_power(sight: Sight, devices: Interval) -> Interval:
    """Return the power of the hosts, W.

    A host whose power is known draws its idle share and, of the rest, what the load asks for
    (Fan, Weber and Barroso, Power provisioning for a warehouse-sized computer, ISCA 2007: linear in
    utilisation). Where it is not known, it is a share of the devices' power.
    """
    by_share = devices * sight.take(sight.context.once("energy.host_shares", lambda: _shares(sight)), sight["device"])
    full = sight.context.systems.host_power[sight["system"]] * sight["nodes"] * sight["units"]
    known = np.isfinite(full)
    if not known.any():
        return by_share
    idle = sight.figure(sight.figures(energy_figures())["host_idle_share"])
    load = sight["load"]
    by_load = [full * (share + (1 - share) * load) for share in (idle.ends if sight.ends else [idle.value])]
    return (Interval(*by_load) if sight.ends else Interval.exact(by_load[0])).where(known, by_share)


def rated_power(context: Context) -> Array:
    """Return what each system of the question is built to draw, W: boards, and the host or its share of them."""

    def make() -> Array:
        shares = energy_figures()
        systems = context.systems
        boards = context.devices.board_power[systems.device] * systems.device_count
        share = np.array([shares.get(f"host_share_{context.device_list[device].kind}", shares["host_share"]).value
                          for device in systems.device])  # fmt: skip
        host = np.where(np.isfinite(systems.host_power), systems.host_power, boards * share)
        return np.asarray(boards + host)

    return context.once("energy.rated_power", make)


def _shares(sight: Sight) -> Interval:
    """The host's share of its devices' power, by device."""
    figures = sight.figures(energy_figures())
    return stack(
        (figure.value, figure.low, figure.high)
        for device in sight.context.device_list
        for figure in [figures.get(f"host_share_{device.kind}", figures["host_share"])]
    )
