"""Electricity grids: how much carbon dioxide a kilowatt-hour costs, by country and by part of one."""

from __future__ import annotations

from pathlib import Path

from advisor.devices import Record
from advisor.records import NonNegativeFloat, PositiveFloat


class Grid(Record, frozen=True, kw_only=True):
    """The electricity of a country (ISO 3166-1 alpha-2) or of a zone (as Electricity Maps names it).

    ``intensity_g_per_kwh`` is the yearly average in g CO2e per kWh, ``marginal_g_per_kwh`` that of one
    kWh more. ``basis`` is ``lifecycle`` or ``operational``. ``price_usd_per_kwh`` is what businesses pay.
    """

    id: str
    name: str
    country: str
    intensity_g_per_kwh: NonNegativeFloat
    marginal_g_per_kwh: NonNegativeFloat | None = None
    year: int
    basis: str = "lifecycle"
    price_usd_per_kwh: PositiveFloat | None = None


def load_grids(folder: Path | None = None) -> dict[str, Grid]:
    """Return grids by id: the built-in ones, or those of ``folder/grids.toml``."""
    from advisor_catalogs.loading import load_records

    return {grid.id: grid for grid in load_records("grid", folder)}
