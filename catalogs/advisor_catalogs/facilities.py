"""Facilities: how efficient the halls of a region, a provider or an area are, and where their electricity is from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from advisor.devices import Record
from advisor.records import Fraction, NonNegativeFloat, PositiveFloat
from advisor_catalogs.documents import Table

#: Figures of a facility, and those that the mean of an area may stand in for.
FIGURES = ("pue", "water_l_per_kwh", "carbon_free_share")
OF_AREAS = ("pue", "water_l_per_kwh")


class Facility(Record, frozen=True, kw_only=True):
    """Facility figures of ``PROVIDER/REGION``, of a ``PROVIDER`` or of ``place/AREA``; what is not given is not known.

    ``water_l_per_kwh`` is what cooling evaporates on site for a kWh of the machines. ``carbon_free_share`` is the
    share of electricity that the provider claims as carbon-free: of each hour (``hourly``), or of a year's
    consumption by contracts (``annual``).
    """

    id: str
    pue: PositiveFloat | None = None
    water_l_per_kwh: NonNegativeFloat | None = None
    carbon_free_share: Fraction | None = None
    carbon_free_basis: Literal["annual", "hourly"] = "annual"


def facility_figures(
    facilities: Mapping[str, Table], provider: str, region: str, areas: Iterable[str]
) -> dict[str, tuple[float, str, Table]]:
    """Return figure to value, id and table of the nearest facility that has it: region, provider, then an area."""
    places = [f"place/{area}" for area in areas]
    answer = {}
    for figure in FIGURES:
        for name in (f"{provider}/{region}", provider, *(places if figure in OF_AREAS else ())):
            found = facilities.get(name, {})
            if found.get(figure) is not None:
                answer[figure] = (found[figure], name, found)
                break
    return answer
