"""Carbon of making the devices, spread evenly over their life (GHG Protocol, ICT sector guidance, 2017)."""

from __future__ import annotations

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.devices import Device
from advisor_energy.demand import HOURS_PER_YEAR
from advisor_energy.figures import Figure, energy_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import Places, stack


def embodied_per_hour(rows: Candidates, context: Context, where: Places) -> Interval:
    """Return g CO2e an hour of all devices: manufacture over the hours of their lifetime.

    Hosts are left out: their makers' figures cover too few systems.
    """
    default = energy_figures()["embodied_per_watt"]
    kilograms = stack(_kilograms(device, default) for device in context.device_list)
    devices = rows["device_count"] * rows["units"]
    lifetime = where.lifetime_years[rows["offer"]] * HOURS_PER_YEAR
    return kilograms.take(rows["device"]) * (1000.0 * devices / lifetime)


def _kilograms(device: Device, default: Figure) -> tuple[float, float, float]:
    if device.embodied_kg_co2e is not None:
        return device.embodied_kg_co2e, device.embodied_kg_co2e, device.embodied_kg_co2e
    watts = device.board_power_w
    return default.value * watts, default.low * watts, default.high * watts
