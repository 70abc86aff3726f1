"""What each offer asks for, as columns: rent, depreciation, whose electricity, how often it is interrupted.

Every column has one entry an offer and a last one for rows whose offer is not known, which position
-1 reaches; prices are NaN there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Array
from advisor.offers import Offer
from advisor_energy.demand import HOURS_PER_YEAR
from advisor_energy.figures import Figure, read_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import attribute_number, known_grids, offer_interval

SPOT = "spot"
OWNED = "owned"


def cost_figures() -> Mapping[str, Figure]:
    """Return the defaults of cost."""
    return read_figures(Path(__file__).with_name("defaults.toml"))


@dataclass(frozen=True)
class Prices:
    """Columns over offers, of one system: USD/h, USD/kWh, interruptions an hour, share of hours in use."""

    rent_per_hour: Array
    depreciation_per_hour: Array
    pays_electricity: Array
    per_kwh: Interval
    interruptions: Interval
    use: Interval
    priced: Array


def prices(offers: Sequence[Offer], grids: Mapping[str, Any] | None = None) -> Prices:
    """Return the columns of these offers; ``grids`` are records that may have ``price_usd_per_kwh``.

    An offer that says what an hour costs costs that; 0 is hardware that one has already, whose
    purchase is past. Otherwise the purchase is spread evenly over every hour of the lifetime.
    Whoever owns the hardware pays for its electricity.
    """
    grids = known_grids() if grids is None else grids
    figures = cost_figures()

    def per_kwh(offer: Offer) -> float | None:
        told = attribute_number(offer, "price_usd_per_kwh")
        return told if told is not None else getattr(grids.get(offer.grid), "price_usd_per_kwh", None)

    owned = [offer.term == OWNED or offer.purchase_usd is not None for offer in offers]
    waits = np.array([*(is_committed(offer) for offer in offers), False])
    spot = np.array([*(offer.term == SPOT for offer in offers), False])
    interruptions = offer_interval(offers, _attribute("interruptions_per_hour"), figures["interruptions"])
    use = offer_interval(offers, _attribute("utilization"), figures["committed_use"])
    return Prices(
        rent_per_hour=np.array([*(offer.price_usd_per_hour or 0.0 for offer in offers), np.nan]),
        depreciation_per_hour=np.array([*(_depreciation(offer) for offer in offers), np.nan]),
        pays_electricity=np.array([*owned, False], dtype=float),
        per_kwh=offer_interval(offers, per_kwh, figures["electricity_price"]),
        interruptions=interruptions.where(spot, Interval.exact(0.0)),
        use=use.where(waits, Interval.exact(1.0)),
        priced=np.array([*(has_price(offer) for offer in offers), True]),
    )


def has_price(offer: Offer) -> bool:
    """Whether anything is known of what the offer costs."""
    return offer.price_usd_per_hour is not None or offer.purchase_usd is not None or offer.term == OWNED


def is_committed(offer: Offer) -> bool:
    """Whether its hours cost money when nothing runs: reserved, or bought and not paid for yet."""
    return offer.term.startswith("reserved") or _depreciation(offer) > 0


def _attribute(name: str) -> Callable[[Offer], float | None]:
    return lambda offer: attribute_number(offer, name)


def _depreciation(offer: Offer) -> float:
    """Straight-line, without a residual value, USD/h; none on what is paid already."""
    if offer.purchase_usd is None or offer.price_usd_per_hour == 0:
        return 0.0
    return offer.purchase_usd / (offer.lifetime_years * HOURS_PER_YEAR)
