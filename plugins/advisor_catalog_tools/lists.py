"""``advisor grids`` and ``advisor providers``: catalogs that no hook hands over, with their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.cli.commands.catalog import figure_origins, plain_record
from advisor.cli.listing import Kind, listing
from advisor.cli.tables import Column

if TYPE_CHECKING:
    from advisor.registry import Registry
    from advisor_catalogs.grids import Grid
    from advisor_catalogs.providers import Provider


def _grids(registry: Registry) -> list[Grid]:
    from advisor_catalogs.grids import load_grids

    return list({**load_grids(), **{grid.id: grid for grid in registry.own.get("grids", ())}}.values())


def _providers(registry: Registry) -> list[Provider]:
    from advisor_catalogs.loading import load_records

    return load_records("provider")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _provider_more(provider: Provider, registry: Registry) -> dict[str, Any]:
    offers = [offer for offer in registry.offers if offer.provider == provider.id]
    return {"offers": len(offers), "regions": sorted({offer.region for offer in offers})}


grids = listing(Kind(
    "grids", "grid", _grids,
    [Column("id", keep=10), Column("name", keep=8, narrow=24), Column("country", keep=6),
     Column("g CO2e/kWh", "right", 9), Column("marginal", "right", 5), Column("USD/kWh", "right", 7),
     Column("year", "right", 4)],
    lambda grid: [grid.id, grid.name, grid.country, _number(grid.intensity_g_per_kwh),
                  _number(grid.marginal_g_per_kwh), _number(grid.price_usd_per_kwh), grid.year],
    plain_record, lambda grid: [grid.id, grid.name], sources=figure_origins,
), "List and show grids: carbon and price of electricity.")  # fmt: skip

providers = listing(Kind(
    "providers", "provider", _providers,
    [Column("id", keep=10), Column("name", keep=7, narrow=20), Column("law of", keep=8), Column("tenancy", keep=4),
     Column("certificates", keep=6, narrow=30), Column("encryption", keep=5, narrow=16),
     Column("logging", keep=5, narrow=16), Column("PUE", "right", 4)],
    lambda one: [one.id, one.name, ", ".join(one.jurisdictions), one.tenancy, ", ".join(one.certifications),
                 ", ".join(one.encryption), ", ".join(one.logging), _number(one.pue)],
    plain_record, lambda one: [one.id, one.name], _provider_more, figure_origins,
), "List and show providers: whose law reaches them, certificates, encryption, logs.")  # fmt: skip
