"""What each offer asks for, as columns: rent, ownership, whose electricity, how often it is interrupted.

Every column has one entry an offer and a last one for rows whose offer is not known, which position
-1 reaches; prices are NaN there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from advisor.candidates import Array
from advisor.context import Context
from advisor.offers import Offer
from advisor_cost.data import sent_gb_per_request, stored_gb
from advisor_cost.ownership import owned_columns
from advisor_energy.demand import HOURS_PER_MONTH
from advisor_energy.figures import Figure, assumed, read_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import attribute_number, grids_of, offer_interval

SPOT = "spot"
OWNED = "owned"


def cost_figures() -> Mapping[str, Figure]:
    """Return the defaults of cost."""
    return read_figures(Path(__file__).with_name("defaults.toml"))


class Prices(Struct, frozen=True):
    """Columns over offers, of one system: USD/h, USD/kWh, interruptions an hour, share of hours in use.

    ``owning`` are the parts of what it costs to own it. ``storage_per_hour`` is of all data of the question, paid
    once whatever the number of systems; ``egress_per_request`` of one answer. Both are 0 where no price is known.
    """

    rent_per_hour: Array
    owning: Mapping[str, Interval]
    fixed: Interval
    pays_electricity: Array
    per_kwh: Interval
    interruptions: Interval
    use: Interval
    storage_per_hour: Array
    egress_per_request: Array
    priced: Array


def prices_of(context: Context) -> Prices:
    """Return the columns of a question's offers, made once a question."""
    return context.once("cost.prices", lambda: prices(context))


def prices(context: Context, grids: Mapping[str, Any] | None = None) -> Prices:
    """Return the columns; ``grids`` are records that may have ``price_usd_per_kwh``.

    An offer that says what an hour costs costs that; 0 is hardware that one has already, whose
    purchase is past. Otherwise it is owned: ``ownership``. Whoever owns the hardware pays for its electricity.
    """
    offers = context.offer_list
    grids = grids_of(context) if grids is None else grids
    figures = assumed(cost_figures(), context.workload.assume)

    def per_kwh(offer: Offer) -> float | None:
        if "electricity_price" in context.workload.assume:
            return None  # then the default is what the user assumes
        told = attribute_number(offer, "price_usd_per_kwh")
        return told if told is not None else getattr(grids.get(offer.grid), "price_usd_per_kwh", None)

    is_owned = [offer.term == OWNED or offer.purchase_usd is not None for offer in offers]
    waits = np.array([*(is_committed(offer) for offer in offers), False])
    spot = np.array([*(offer.term == SPOT for offer in offers), False])
    interruptions = offer_interval(offers, _attribute("interruptions_per_hour"), figures["interruptions"])
    use = offer_interval(offers, _attribute("utilization"), figures["committed_use"])
    owning = owned_columns(offers, context, figures)
    rent = np.array([*(offer.price_usd_per_hour or 0.0 for offer in offers), np.nan])
    stored, sent = stored_gb(context, figures), sent_gb_per_request(context, figures)
    return Prices(
        rent_per_hour=rent,
        owning=owning,
        fixed=sum(owning.values(), start=Interval.exact(rent)),
        pays_electricity=np.array([*is_owned, False], dtype=float),
        per_kwh=offer_interval(offers, per_kwh, figures["electricity_price"]),
        interruptions=interruptions.where(spot, Interval.exact(0.0)),
        use=use.where(waits, Interval.exact(1.0)),
        storage_per_hour=_asked(offers, "storage_usd_per_gb_month") * (stored / HOURS_PER_MONTH),
        egress_per_request=_asked(offers, "egress_usd_per_gb") * sent,
        priced=np.array([*(has_price(offer) for offer in offers), True]),
    )


def has_price(offer: Offer) -> bool:
    """Whether anything is known of what the offer costs."""
    return offer.price_usd_per_hour is not None or offer.purchase_usd is not None or offer.term == OWNED


def is_committed(offer: Offer) -> bool:
    """Whether its hours cost money when nothing runs: reserved, or bought and not paid for yet."""
    return offer.term.startswith("reserved") or (offer.purchase_usd is not None and offer.price_usd_per_hour is None)


def _asked(offers: Sequence[Offer], name: str) -> Array:
    return np.array([*(attribute_number(offer, name) or 0.0 for offer in offers), 0.0])


def _attribute(name: str) -> Callable[[Offer], float | None]:
    return lambda offer: attribute_number(offer, name)


