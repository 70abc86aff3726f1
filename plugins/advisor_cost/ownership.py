"""What it costs to own a system: purchase less resale, capital, maintenance, staff and a place, by the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from advisor.context import Context
from advisor.offers import Offer
from advisor_energy.demand import HOURS_PER_MONTH, HOURS_PER_YEAR
from advisor_energy.facility import rated_power
from advisor_energy.figures import Figure
from advisor_energy.intervals import Interval
from advisor_energy.places import stack

#: The parts of owning, in the order in which they are shown.
PARTS = ("depreciation", "capital", "maintenance", "staff", "hosting")
Ends = tuple[float, float, float]


def resale_usd(purchase_usd: float, years: float, figures: Mapping[str, Figure]) -> Ends:
    """Return what a system sells for after so many years: it loses the same share of its value every year."""
    lost = figures["value_lost_a_year"]
    kept = [purchase_usd * (1 - min(share, 1.0)) ** years for share in (lost.value, lost.high, lost.low)]
    return kept[0], kept[1], kept[2]


def owning_per_hour(
    purchase_usd: float, years: float, rated_w: float, figures: Mapping[str, Figure]
) -> dict[str, Ends]:
    """Return USD an hour of each part of owning one system for so many years, with the ends of its interval.

    Depreciation is straight, from the purchase to the resale; capital is interest on the value that stands in the
    system meanwhile, in the mean of the two (Barroso, Hölzle, Ranganathan, The Datacenter as a Computer, 3rd edition,
    chapter 6). Hosting is paid by the kW that a system is built to draw, and by none that an office circuit feeds.
    """
    hours = years * HOURS_PER_YEAR
    sold, sold_low, sold_high = resale_usd(purchase_usd, years, figures)
    rate, upkeep, staff = (figures[name] for name in ("capital_rate", "maintenance_share", "staff_hours_a_month"))
    wage, place = figures["staff_usd_per_hour"], figures["hosting_usd_per_kw_month"]
    standing = (purchase_usd + sold) / 2 / HOURS_PER_YEAR
    hosted_kw = rated_w / 1000 if rated_w > figures["office_circuit_w"].value else 0.0
    return {
        "depreciation": ((purchase_usd - sold) / hours, (purchase_usd - sold_high) / hours,
                         (purchase_usd - sold_low) / hours),
        "capital": _ends(rate, standing),
        "maintenance": _ends(upkeep, purchase_usd / HOURS_PER_YEAR),
        "staff": (staff.value * wage.value / HOURS_PER_MONTH, staff.low * wage.low / HOURS_PER_MONTH,
                  staff.high * wage.high / HOURS_PER_MONTH),
        "hosting": _ends(place, hosted_kw / HOURS_PER_MONTH),
    }  # fmt: skip


def owned_columns(offers: Sequence[Offer], context: Context, figures: Mapping[str, Figure]) -> dict[str, Interval]:
    """Return each part of owning, USD an hour of one system, by offer; nothing for what is rented or paid already."""
    position = {system.id: number for number, system in enumerate(context.system_list)}
    rated = rated_power(context)
    nothing = dict.fromkeys(PARTS, (0.0, 0.0, 0.0))
    costs = []
    for offer in offers:
        if offer.purchase_usd is None or offer.price_usd_per_hour is not None:
            costs.append(nothing)
            continue
        watts = float(rated[position[offer.system]]) if offer.system in position else 0.0
        costs.append(owning_per_hour(offer.purchase_usd, offer.lifetime_years, watts, figures))
    return {part: stack([*(cost[part] for cost in costs), (0.0, 0.0, 0.0)]) for part in PARTS}


def _ends(figure: Figure, factor: float) -> Ends:
    return figure.value * factor, figure.low * factor, figure.high * factor
