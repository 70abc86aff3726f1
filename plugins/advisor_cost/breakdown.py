"""What one candidate costs, in full: its parts, other terms, rent against purchase, and APIs by the token."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from advisor.ranking.result import Candidate
from advisor.registry import Registry
from advisor_cost.breakeven import BreakEven, break_even
from advisor_cost.data import sent_gb_per_request, stored_gb
from advisor_cost.prices import cost_figures, is_committed
from advisor_cost.scaling import scaled_month
from advisor_cost.terms import Priced, other_offers, priced, purchase
from advisor_cost.tokens import SECONDS_PER_MONTH, by_the_token, token_prices
from advisor_cost.traffic import Traffic
from advisor_energy.demand import HOURS_PER_MONTH, has_end
from advisor_energy.figures import assumed
from advisor_energy.places import attribute_number, known_grids

if TYPE_CHECKING:
    from advisor_catalogs.currencies import Currency

SCHEMA = {"name": "advisor.cost", "version": 1}


def breakdown(
    candidate: Candidate, registry: Registry, years: float, traffic: Traffic | None, currency: Currency
) -> dict[str, Any]:
    """For JSON, as ``docs/json.md`` describes; amounts are in US dollars, ``currency`` is what to show them in."""
    context = candidate.ranking.context
    workload = context.workload
    assert candidate.offer is not None
    here = priced(candidate, candidate.offer)
    period = _period(here)
    requests = workload.request_rate * (traffic.mean if traffic else 1.0) * SECONDS_PER_MONTH \
        if workload.request_rate is not None else None  # fmt: skip
    scaled = scaled_month(here, traffic) if traffic is not None else None
    month = scaled["usd_per_month"] if scaled else here.value("cost_per_month") if workload.task == "serve" else None
    return {
        "schema": SCHEMA,
        "candidate": candidate.to_dict(),
        "workload": {"task": workload.task, **workload.to_plain(but_defaults=True)},
        "currency": {"code": currency.id, "per_usd": currency.per_usd, "date": currency.date,
                     "source": next((source.title for source in currency.sources.values()), "")},
        "prices_of": {"offer": _date(here), "source": _source(here)},
        "years": years,
        "costs": {name: _figure(here, name) for name in here.scores.values} | _over_years(here, years, month),
        "period": period,
        "parts": _parts(here, period),
        "data": _data(here),
        "idle_share": 1.0 - float(here.rows["load"][0]),
        "traffic": scaled,
        "terms": [_term(priced(candidate, offer), years) for offer in other_offers(candidate, registry)],
        "break_even": _break_even(candidate, here, registry, years),
        "apis": _apis(candidate, requests, month),
        "assumptions": _assumptions(here),
    }


def _data(here: Priced) -> dict[str, Any]:
    """What is stored and sent, and what the provider asks for it; None where no price is known."""
    figures = assumed(cost_figures(), here.context.workload.assume)
    asked = {name: attribute_number(here.offer, name) for name in ("storage_usd_per_gb_month", "egress_usd_per_gb")}
    if here.offer.on_premises:
        asked = dict.fromkeys(asked, 0.0)
    return {"stored_gb": stored_gb(here.context, figures),
            "sent_gb_per_request": sent_gb_per_request(here.context, figures), **asked}  # fmt: skip


def _period(here: Priced) -> str:
    """What the parts are of: the whole run of a job that ends, else a month."""
    return "run" if has_end(here.context) else "month"


def _parts(here: Priced, period: str) -> dict[str, float]:
    """USD of each part over the period; hours that interruptions add are a part of their own."""
    if period == "run":
        return here.parts("cost_per_run")
    objective = "cost_per_month" if here.context.workload.task == "serve" else "cost_per_hour"
    found = here.parts(objective) or here.parts("cost_per_hour")
    factor = 1.0 if objective == "cost_per_month" and here.parts(objective) else HOURS_PER_MONTH
    return {name: value * factor for name, value in found.items()}


def _figure(here: Priced, name: str) -> dict[str, Any]:
    unit = next(objective.unit for objective in _objectives(here) if objective.name == name)
    value, low, high = here.interval(name)
    return {"value": value, "low": low, "high": high, "unit": unit}


def _objectives(here: Priced) -> Any:
    from advisor_cost.scorer import CostScorer

    return CostScorer().objectives(here.context)


def _over_years(here: Priced, years: float, month: float | None) -> dict[str, Any]:
    """The total over so many years of a service, or of running without a pause."""
    name, hours = f"cost_over_{years:g}_years", years * 12 * HOURS_PER_MONTH
    if month is not None:
        value, low, high = here.interval("cost_per_month")
        share = month / value if value else 1.0
        ends = [end * share * 12 * years for end in (value, low, high)]
    else:
        ends = [end * hours for end in here.interval("cost_per_hour")]
    return {name: {"value": ends[0], "low": ends[1], "high": ends[2], "unit": "USD"}}


def _term(here: Priced, years: float) -> dict[str, Any]:
    offer = here.offer
    objective = next(name for name in ("cost_per_run", "cost_per_month", "cost_per_thousand_samples")
                     if name in here.scores.values)  # fmt: skip
    value, low, high = here.interval(objective)
    return {
        "offer": offer.id, "provider": offer.provider, "region": offer.region, "term": offer.term,
        "price_usd_per_hour": offer.price_usd_per_hour, "purchase_usd": offer.purchase_usd, "cost": objective,
        "value": value, "low": low, "high": high, "usd_per_hour": here.value("cost_per_hour"),
        "usd_over_years": here.value("cost_per_hour") * years * 12 * HOURS_PER_MONTH, "date": _date(here),
        "estimated": next(iter(offer.estimated.values()), ""),
    }  # fmt: skip


def _break_even(candidate: Candidate, here: Priced, registry: Registry, years: float) -> dict[str, Any] | None:
    """Renting as asked (or on demand, where what was asked is owned) against buying the same system."""
    bought = purchase(candidate, registry)
    rented = here
    if here.offer.term == "owned":
        others = [offer for offer in other_offers(candidate, registry) if offer.purchase_usd is None]
        if not others:
            return None
        rented = priced(candidate, others[0])
    if bought is None:
        return None
    workload = candidate.ranking.context.workload
    figures = assumed(cost_figures(), workload.assume)
    use = 1.0 if workload.task == "serve" else figures["committed_use"].value
    found = break_even(rented, priced(candidate, bought), use, years)
    return {
        "rent": rented.offer.id, "buy": bought.id, "purchase_usd": bought.purchase_usd,
        "purchase_estimated": bought.estimated.get("purchase_usd", ""), "date": _date(rented), **_curve(found),
    }  # fmt: skip


def _curve(found: BreakEven) -> dict[str, Any]:
    points = [asdict(point) for point in found.points]
    for point in points:
        if point["least_use"] == float("inf"):
            point["least_use"] = None
    return {"use": found.use, "pays_after_years": found.pays_after_years,
            "cash_pays_after_years": found.cash_pays_after_years, "curve": points}  # fmt: skip


def _apis(candidate: Candidate, requests: float | None, month: float | None) -> list[dict[str, Any]]:
    context = candidate.ranking.context
    if context.workload.trains or not context.model.generates:
        return []
    rows = [by_the_token(price, context.workload, requests, month)
            for price in token_prices(context.model.name, context.own.get("token_prices", ()))]  # fmt: skip
    return sorted(rows, key=lambda row: float(row["usd_per_request"]))


def _assumptions(here: Priced) -> list[dict[str, Any]]:
    """The default figures that this candidate's cost rests on."""
    figures = assumed(cost_figures(), here.context.workload.assume)
    offer = here.offer
    names = []
    if offer.term == "spot":
        names += ["interruptions", "restart_hours", *(["checkpoint_hours"] if here.context.workload.trains else [])]
    if is_committed(offer) and here.context.workload.task != "serve":
        names += ["committed_use"]
    told = offer.attributes.get("price_usd_per_kwh")
    known = told or getattr(known_grids().get(offer.grid), "price_usd_per_kwh", None)
    if (offer.term == "owned" or offer.purchase_usd is not None) and not known:
        names += ["electricity_price"]
    if offer.purchase_usd is not None and offer.price_usd_per_hour is None:
        names += ["value_lost_a_year", "capital_rate", "maintenance_share", "staff_hours_a_month", "staff_usd_per_hour",
                  "hosting_usd_per_kw_month"]  # fmt: skip
    return [{"name": name, "value": figures[name].value, "low": figures[name].low, "high": figures[name].high,
             "unit": figures[name].unit, "doc": figures[name].doc, "source": figures[name].source,
             "date": figures[name].date, "estimated": figures[name].estimated} for name in names]  # fmt: skip


def _source(here: Priced) -> str:
    source = here.offer.sources.get("price")
    return source.title if source is not None else ""


def _date(here: Priced) -> str:
    source = here.offer.sources.get("price")
    return str(source.date) if source is not None else ""
