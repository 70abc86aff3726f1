"""Energy, carbon and water of one candidate in full: parts, places, hours, and what a power cap would cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.estimating import by_backend, estimate, memory, scale_out
from advisor.offers import Offer
from advisor.ranking.result import Candidate
from advisor.records import replace
from advisor.registry import Registry
from advisor_energy.capping import CAPS
from advisor_energy.demand import has_end, hours
from advisor_energy.embodied import embodied_per_hour
from advisor_energy.facility import facility_power
from advisor_energy.figures import assumed, energy_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import attribute_number, grids_of, places_of
from advisor_energy.scorer import EnergyScorer
from advisor_energy.sight import Sight
from advisor_energy.waiting import cleanest, hours_of, waiting_share

SCHEMA = {"name": "advisor.energy", "version": 1}


def breakdown(candidate: Candidate, registry: Registry) -> dict[str, Any]:
    """For JSON, as ``docs/json.md`` describes."""
    context = candidate.ranking.context
    offer = candidate.offer
    rows, here = _at(candidate, offer)
    sight = Sight(rows, here, ends=True)
    where = places_of(here)
    power = facility_power(sight, where)
    scores = EnergyScorer().detail(rows, here)
    units = {objective.name: objective.unit for objective in EnergyScorer().objectives(here)}
    return {
        "schema": SCHEMA,
        "candidate": candidate.to_dict(),
        "workload": {"task": context.workload.task, **context.workload.to_plain(but_defaults=True)},
        "period": "run" if has_end(context) else "month",
        "power": {"devices": _figure(power.devices, "W"), "hosts": _figure(power.host, "W"),
                  "cooling and supply": _figure(Interval.exact(power.overhead), "W"),
                  "facility": _figure(power.total, "W")},
        "figures": {name: _figure(Interval(*ends), units[name]) for name, ends in scores.values.items()},
        **_footprint(sight),
        "place": _place(offer, here),
        "waiting": _waiting(sight, offer),
        "places": _places(candidate, registry),
        "caps": _caps(candidate, registry),
    }  # fmt: skip


def _at(candidate: Candidate, offer: Offer | None) -> tuple[Candidates, Context]:
    """The candidate's row with this offer alone."""
    context = replace(candidate.ranking.context, offer_list=(offer,) if offer else (), warnings=[], _kept={})
    rows = candidate.table.take(np.array([candidate.row]))
    rows["offer"] = 0 if offer else -1
    return rows, context


def _footprint(sight: Sight) -> dict[str, Any]:
    """Carbon by kind and water of the period: operational by place and by market, and manufacture, apart."""
    where, offer = places_of(sight.context), sight["offer"]
    power = facility_power(sight, where)
    time = hours(sight)
    kwh = power.total * time * 1e-3
    share = waiting_share(sight.context, sight.context.offer_list, offer, time.value) if has_end(sight.context) else 1.0
    by_place = kwh * sight.take(where.intensity, offer) * share
    figures = sight.figures(energy_figures())
    return {
        "carbon": {
            "operational, location-based": _figure(by_place, "g"),
            "operational, market-based": _figure(by_place * (1 - where.carbon_free[offer]), "g"),
            "embodied": _figure(embodied_per_hour(sight, where) * time, "g"),
        },
        "water": {
            "on site": _figure(power.machines * time * sight.take(where.water, offer) * 1e-3, "L"),
            "of electricity": _figure(kwh * sight.figure(figures["water_of_electricity"]), "L"),
        },
    }


def _place(offer: Offer | None, context: Context) -> dict[str, Any]:
    """What is taken of the place, each with where it is from."""
    figures = assumed(energy_figures(), context.workload.assume)
    grid = grids_of(context).get(offer.grid) if offer else None
    answer = {}
    pue = offer.pue if offer else None
    default = figures["power_usage_effectiveness"]
    answer["pue"] = {"value": pue or default.value, "source": _source(offer, "pue") if pue else default.source}
    if grid is not None:
        answer["grid"] = {"value": grid.intensity_g_per_kwh, "id": grid.id, "name": grid.name, "year": grid.year,
                          "source": next((source.title for source in grid.sources.values()), "")}  # fmt: skip
    else:
        answer["grid"] = {"value": figures["world_grid_intensity"].value, "id": "", "name": "world",
                          "source": figures["world_grid_intensity"].source}  # fmt: skip
    free = attribute_number(offer, "carbon_free_share") if offer else None
    water = attribute_number(offer, "water_l_per_kwh") if offer else None
    claimed = _source(offer, "attributes.carbon_free_share") if free else "not known"
    answer["carbon_free_share"] = {"value": free or 0.0, "source": claimed}
    answer["water_l_per_kwh"] = {"value": figures["water_on_site"].value if water is None else water,
                                 "source": _source(offer, "attributes.water_l_per_kwh") if water is not None
                                 else figures["water_on_site"].source}  # fmt: skip
    return answer


def _source(offer: Offer | None, figure: str) -> str:
    assert offer is not None
    key = offer.figure_sources.get(figure, next(iter(offer.sources), ""))
    source = offer.sources.get(key)
    return source.title if source is not None else ""


def _waiting(sight: Sight, offer: Offer | None) -> dict[str, Any] | None:
    """With ``flexible``: what is saved on average, and the hours (UTC) of a run submitted at each hour of the day."""
    slack = sight.context.workload.flexible
    course = hours_of(sight.context).get(offer.grid) if offer else None
    if slack is None or not has_end(sight.context):
        return None
    if course is None:
        return {"grid_day_known": False, "share": 1.0}
    length = float(hours(sight).value[0])
    share = float(waiting_share(sight.context, sight.context.offer_list, sight["offer"], np.array([length]))[0])
    starts = {}
    if length + slack / 3600 <= 48:
        for start in range(0, 24, 3):
            steps = cleanest(course, float(start), length, slack / 3600)
            starts[f"{start:02d}:00"] = sorted({int((start + step / 4) % 24) for step in steps})
    return {"grid_day_known": True, "share": share, "hours_utc_by_submission": starts}


def _places(candidate: Candidate, registry: Registry, most: int = 8) -> list[dict[str, Any]]:
    """The same system elsewhere, cleanest first: one offer a provider and region, under the workload's own filters."""
    seen: dict[tuple[str, str], Offer] = {}
    for offer in candidate.ranking.context.offer_list:
        known = seen.get((offer.provider, offer.region))
        if offer.system == candidate.system.id and (
            known is None or (offer.price_usd_per_hour or 0) < (known.price_usd_per_hour or 0)
        ):
            seen[offer.provider, offer.region] = offer
    answer = []
    for offer in seen.values():
        rows, context = _at(candidate, offer)
        found = _footprint(Sight(rows, context, ends=True))["carbon"]
        answer.append({"offer": offer.id, "provider": offer.provider, "region": offer.region, "grid": offer.grid,
                       "price_usd_per_hour": offer.price_usd_per_hour,
                       **{name: figure["value"] for name, figure in found.items()}})  # fmt: skip
    return sorted(answer, key=lambda row: float(row["operational, location-based"]))[:most]


def _caps(candidate: Candidate, registry: Registry) -> list[dict[str, Any]]:
    """Power and speed of the same recipe under caps, over those without one."""
    answer = []
    base = None
    for cap in (100, *CAPS):
        rows = candidate.table.take(np.array([candidate.row]))
        rows["power_cap"] = cap / 100
        context = replace(candidate.ranking.context, warnings=[])
        for backend, _ in by_backend(rows, context, registry.backends):
            if not (memory(backend, rows, context, "") and estimate(backend, rows, context, "")):
                return answer
        scale_out(rows, context)
        speed, watts = float(rows["samples_per_s"][0] / rows["units"][0]), float(rows["power"][0] / rows["units"][0])
        base = base or (speed, watts)
        answer.append({"cap_percent": cap, "power_w": watts, "speed_share": speed / base[0],
                       "energy_share": watts / speed / (base[1] / base[0])})  # fmt: skip
    return answer


def _figure(quantity: Interval, unit: str) -> dict[str, Any]:
    value, low, high = (float(np.asarray(end).reshape(-1)[0]) for end in quantity.ends)
    return {"value": value, "low": low, "high": high, "unit": unit}
