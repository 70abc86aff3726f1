"""Rent or buy: what has been paid after so many years, and how busy bought hardware must be to be the cheaper."""

from __future__ import annotations

from dataclasses import dataclass

from advisor_cost.ownership import PARTS, resale_usd
from advisor_cost.prices import cost_figures
from advisor_cost.terms import Priced
from advisor_energy.demand import HOURS_PER_YEAR
from advisor_energy.figures import assumed

STEPS = 4  # points a year


@dataclass(frozen=True)
class Point:
    """What has been paid after so many years, USD; ``own_usd`` has the resale taken off, ``cash_usd`` has not.

    ``least_use`` is the share of hours in which the hardware must work for buying to be the cheaper; above 1: never.
    """

    years: float
    rent_usd: float
    own_usd: float
    cash_usd: float
    least_use: float


@dataclass(frozen=True)
class BreakEven:
    """The curve, the share of hours in use that it is of, and when rent has overtaken each of the two."""

    use: float
    points: tuple[Point, ...]
    pays_after_years: float | None
    cash_pays_after_years: float | None


def break_even(rented: Priced, bought: Priced, use: float, years: float) -> BreakEven:
    """Return the curve over ``years`` at hours in use ``use``; nothing is discounted, capital is a cost of owning.

    Rent is paid for hours in use, as is electricity; what is owned costs money in all hours.
    """
    figures = assumed(cost_figures(), bought.context.workload.assume)
    systems = float(bought.rows["nodes"][0] * bought.rows["units"][0])
    purchase_usd = (bought.offer.purchase_usd or 0.0) * systems
    parts = bought.parts("cost_per_hour")
    power = parts.get("electricity", 0.0) + parts.get("cooling and supply", 0.0)
    upkeep = sum(parts.get(name, 0.0) for name in PARTS if name not in ("depreciation", "capital"))
    asked = rented.parts("cost_per_hour")
    rent = sum(asked.get(name, 0.0) for name in ("rent", "storage", "egress")) * _paid(rented)
    rate = figures["capital_rate"].value

    def at(when: float) -> Point:
        hours = when * HOURS_PER_YEAR
        sold = resale_usd(purchase_usd, when, figures)[0]
        capital = rate * (purchase_usd + sold) / 2 * when
        fixed = upkeep * hours + capital
        running = fixed + power * use * hours
        saved = (rent - power) * hours
        least = (purchase_usd - sold + fixed) / saved if saved > 0 else float("inf")
        return Point(when, rent * use * hours, purchase_usd - sold + running, purchase_usd + running, least)

    points = tuple(at(step / STEPS) for step in range(round(years * STEPS) + 1))
    return BreakEven(use, points, _crossing(points, "own_usd"), _crossing(points, "cash_usd"))


def _paid(rented: Priced) -> float:
    """Hours paid over hours of work: what interruptions add."""
    parts = next((rented.parts(name) for name in rented.scores.parts if name != "cost_per_hour"), {})
    work = sum(value for name, value in parts.items() if name != "interruptions")
    return 1.0 + parts.get("interruptions", 0.0) / work if work else 1.0


def _crossing(points: tuple[Point, ...], name: str) -> float | None:
    """Years after which rent has stayed above: between two points in a straight line; None if it ends below."""
    gaps = [point.rent_usd - getattr(point, name) for point in points]
    if len(gaps) < 2 or gaps[-1] <= 0:
        return None
    last = max((number for number, gap in enumerate(gaps) if gap <= 0), default=0)
    before, after = gaps[last], gaps[last + 1] if last + 1 < len(gaps) else gaps[last]
    part = -before / (after - before) if after > before else 0.0
    return points[last].years + part / STEPS
