"""Carbon of making the machines, spread evenly over their life (GHG Protocol, ICT sector guidance, 2017)."""

from __future__ import annotations

import numpy as np

from advisor.devices import Device
from advisor_energy.demand import HOURS_PER_YEAR
from advisor_energy.figures import Figure, energy_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import Places, stack
from advisor_energy.sight import Sight


def embodied_per_hour(sight: Sight, where: Places) -> Interval:
    """Return g CO2e an hour of all machines: manufacture over the hours of their lifetime."""
    made = sight.context.once("energy.embodied", lambda: _of_systems(sight))
    hours = where.lifetime_years[sight["offer"]] * (HOURS_PER_YEAR / 1000.0)
    return sight.take(made, sight["system"]) * (sight["nodes"] * sight["units"] / hours)


def _of_systems(sight: Sight) -> Interval:
    """Kilograms of one of each system: its devices, and the server around them, an eighth of one for each device.

    Where processors do the work they are the server.
    """
    figures = sight.figures(energy_figures())
    systems, devices = sight.context.systems, sight.context.device_list
    kilograms = stack(_kilograms(device, figures["embodied_per_watt"]) for device in devices)
    hosted = np.array([device.kind != "cpu" for device in devices], dtype=bool)[systems.device]
    servers = np.where(hosted, np.minimum(systems.device_count / 8.0, 1.0), 0.0)
    return kilograms.take(systems.device) * systems.device_count + figures["embodied_host"].interval * servers


def _kilograms(device: Device, default: Figure) -> tuple[float, float, float]:
    if device.embodied_kg_co2e is not None:
        return device.embodied_kg_co2e, device.embodied_kg_co2e, device.embodied_kg_co2e
    watts = device.board_power_w
    return default.value * watts, default.low * watts, default.high * watts
