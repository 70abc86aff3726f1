"""Where candidates run: facility overhead, grid, electricity price and lifetime by offer, as columns.

Every column has one entry an offer and a last one for rows whose offer is not known, which position
-1 reaches.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from advisor.candidates import Array
from advisor.context import Context
from advisor.errors import InputError
from advisor.offers import Offer
from advisor_energy.figures import Figure, assumed, energy_figures
from advisor_energy.intervals import Interval

DEFAULT_LIFETIME_YEARS = 4.0  # as the field ``Offer.lifetime_years`` has it


class Places(Struct, frozen=True):
    """Columns over offers: ``pue`` (ratio), ``intensity`` (g/kWh), ``lifetime_years``.

    ``carbon_free`` is the share of electricity that the provider covers by contracts for carbon-free power;
    ``water`` the litres a kWh of the machines that cooling evaporates on site.
    """

    pue: Interval
    intensity: Interval
    lifetime_years: Array
    carbon_free: Array
    water: Interval


@functools.cache
def known_grids() -> Mapping[str, Any]:
    """Return the catalog's grids by id, read once; none where the catalog is not installed."""
    try:
        from advisor_catalogs.grids import load_grids
    except ImportError:
        return {}
    grids: Mapping[str, Any] = load_grids()
    return grids


def grids_of(context: Context) -> Mapping[str, Any]:
    """Return the grids that a question knows: the catalog's, and over them those of the user's own folders."""
    own = {grid.id: grid for grid in context.own.get("grids", ())}
    return {**known_grids(), **own} if own else known_grids()


def places_of(context: Context) -> Places:
    """Return the columns of a question's offers, made once a question."""
    figures = assumed(energy_figures(), context.workload.assume)
    return context.once("energy.places", lambda: places(context.offer_list, grids_of(context), figures))


def places(
    offers: Sequence[Offer], grids: Mapping[str, Any] | None = None, figures: Mapping[str, Figure] | None = None
) -> Places:
    """Return the columns of these offers; ``grids`` are records with ``intensity_g_per_kwh``."""
    grids = known_grids() if grids is None else grids
    figures = energy_figures() if figures is None else figures
    variation, world = figures["grid_variation"], figures["world_grid_intensity"]
    intensity = [
        (grid := float(grids[offer.grid].intensity_g_per_kwh), grid * variation.low, grid * variation.high)
        if offer.grid in grids
        else _ends(world)
        for offer in offers
    ]
    return Places(
        pue=offer_interval(offers, _pue, figures["power_usage_effectiveness"], "pue"),
        intensity=stack([*intensity, _ends(world)]),
        lifetime_years=np.array([*(offer.lifetime_years for offer in offers), DEFAULT_LIFETIME_YEARS]),
        carbon_free=np.array([*(attribute_number(offer, "carbon_free_share") or 0.0 for offer in offers), 0.0]),
        water=offer_interval(offers, _water, figures["water_on_site"], "attributes.water_l_per_kwh"),
    )


def offer_interval(
    offers: Sequence[Offer], figure: Callable[[Offer], float | None], default: Figure, name: str = ""
) -> Interval:
    """Return a figure of every offer, exact where it is given, else the default with its interval.

    One that was estimated (``name`` stands in ``Offer.estimated``), such as an area's mean, has the default's ends.
    """
    answer = []
    for offer in (*offers, None):
        value = figure(offer) if offer is not None else None
        if value is None:
            answer.append(_ends(default))
        elif offer is not None and name in offer.estimated:
            answer.append((value, min(value, default.low), max(value, default.high)))
        else:
            answer.append((value, value, value))
    return stack(answer)


def stack(ends: Iterable[tuple[float, float, float]]) -> Interval:
    """Return triples of value, low and high as one quantity."""
    value, low, high = np.array(list(ends), dtype=float).reshape(-1, 3).T
    return Interval(value, low, high)


def attribute_number(offer: Offer, name: str) -> float | None:
    """Return a number among an offer's attributes, None if absent; ``InputError`` if it is none."""
    text = offer.attributes.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not 0 <= number < np.inf:
        raise InputError(f"offer {offer.id}: attributes.{name}: expected a number of zero or more, not {text!r}")
    return number


def _water(offer: Offer) -> float | None:
    return attribute_number(offer, "water_l_per_kwh")


def _pue(offer: Offer) -> float | None:
    return offer.pue


def _ends(figure: Figure) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high
