"""``advisor grids``, ``providers``, ``facilities``, ``charges``: catalogs that no hook hands over, with sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from advisor.cli.commands.catalog import figure_origins, plain_record
from advisor.cli.listing import Kind, listing
from advisor.cli.tables import Column

if TYPE_CHECKING:
    from advisor.registry import Registry
    from advisor_catalogs.facilities import Facility
    from advisor_catalogs.grids import Grid
    from advisor_catalogs.providers import Provider


def _records(kind: str, plural: str) -> Callable[[Registry], list[Any]]:
    """The catalog's records of a kind, and over them those of the user's own folders."""

    def read(registry: Registry) -> list[Any]:
        from advisor_catalogs.loading import load_records

        own = registry.own.get(plural, ())
        return list({record.id: record for record in (*load_records(kind), *own)}.values())

    return read


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _grid_more(grid: Grid, registry: Registry) -> dict[str, Any]:
    from advisor_catalogs.grid_hours import load_grid_hours

    day = {**load_grid_hours(), **{one.id: one for one in registry.own.get("grid_days", ())}}.get(grid.id)
    if day is None:
        return {"intensity_by_hour_utc": None}
    return {"intensity_by_hour_utc": [round(share * grid.intensity_g_per_kwh) for share in day.shares],
            "hours_of": day.year, "hours_source": next(iter(figure_origins(day).get("shares", "").splitlines()), ""),
            "hours_estimated": day.estimated.get("shares", "")}  # fmt: skip


def _provider_more(provider: Provider, registry: Registry) -> dict[str, Any]:
    offers = [offer for offer in registry.offers if offer.provider == provider.id]
    return {"offers": len(offers), "regions": sorted({offer.region for offer in offers})}


def _facility_more(facility: Facility, registry: Registry) -> dict[str, Any]:
    provider, _, region = facility.id.partition("/")
    named = [offer for offer in registry.offers if offer.provider == provider and region in ("", offer.region)]
    here = [offer for offer in registry.offers if provider == "place" and region in offer.areas] or named
    return {"offers": len(here), "grids": sorted({offer.grid for offer in here if offer.grid})}


grids = listing(Kind(
    "grids", "grid", _records("grid", "grids"),
    [Column("id", keep=10), Column("name", keep=8, narrow=24), Column("country", keep=6),
     Column("g CO2e/kWh", "right", 9), Column("marginal", "right", 5), Column("USD/kWh", "right", 7),
     Column("year", "right", 4)],
    lambda grid: [grid.id, grid.name, grid.country, _number(grid.intensity_g_per_kwh),
                  _number(grid.marginal_g_per_kwh), _number(grid.price_usd_per_kwh), grid.year],
    plain_record, lambda grid: [grid.id, grid.name], _grid_more, figure_origins,
), "List and show grids: carbon and price of electricity.")  # fmt: skip

providers = listing(Kind(
    "providers", "provider", _records("provider", "providers"),
    [Column("id", keep=10), Column("name", keep=7, narrow=20), Column("law of", keep=8), Column("tenancy", keep=4),
     Column("certificates", keep=6, narrow=30), Column("encryption", keep=5, narrow=16),
     Column("logging", keep=5, narrow=16)],
    lambda one: [one.id, one.name, ", ".join(one.jurisdictions), one.tenancy, ", ".join(one.certifications),
                 ", ".join(one.encryption), ", ".join(one.logging)],
    plain_record, lambda one: [one.id, one.name], _provider_more, figure_origins,
), "List and show providers: whose law reaches them, certificates, encryption, logs.")  # fmt: skip

facilities = listing(Kind(
    "facilities", "facility", _records("facility", "facilities"),
    [Column("id", keep=10), Column("PUE", "right", 9), Column("water L/kWh", "right", 8),
     Column("carbon-free", "right", 8), Column("basis", keep=4)],
    lambda one: [one.id, _number(one.pue), _number(one.water_l_per_kwh), _number(one.carbon_free_share),
                 "" if one.carbon_free_share is None else one.carbon_free_basis],
    plain_record, lambda one: [one.id], _facility_more, figure_origins,
), "List and show facilities: power usage effectiveness, water and carbon-free share.")  # fmt: skip

charges = listing(Kind(
    "charges", "charge", _records("charge", "charges"),
    [Column("provider", keep=10), Column("egress USD/GB", "right", 9), Column("storage USD/GB/month", "right", 9),
     Column("notes", keep=5, narrow=24)],
    lambda one: [one.id, _number(one.egress_usd_per_gb), _number(one.storage_usd_per_gb_month), one.notes],
    plain_record, lambda one: [one.id], sources=figure_origins,
), "List and show what providers charge for egress and storage.")  # fmt: skip
