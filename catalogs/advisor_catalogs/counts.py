"""How much the catalogs hold: what ``advisor catalog stats`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from advisor_catalogs.apis import load_token_prices
from advisor_catalogs.documents import Table, catalog_root
from advisor_catalogs.facilities import facility_figures
from advisor_catalogs.grid_hours import load_grid_hours
from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import (
    load_devices,
    load_offers,
    load_policies,
    load_records,
    load_systems,
    read_tables,
)
from advisor_catalogs.model_entries import load_models
from advisor_catalogs.providers import areas_of, read_by_id, read_countries, read_regions

CONTINENTS = ("africa", "asia", "europe", "middle-east", "north-america", "oceania", "south-america")


def catalog_counts() -> dict[str, dict[str, int]]:
    """Return title of a table to what it counts: entries of each catalog, then each catalog by what tells it apart.

    Systems are those written down; offers name others by count and device, which are made when they are loaded.
    """
    devices, systems, offers, grids = load_devices(), load_systems(), load_offers(), load_grids()
    days, charges = load_grid_hours(), load_records("charge")
    places = {name: table for name, table in read_regions(catalog_root()).items() if name != "sources"}
    policies = load_policies()
    device_of = {system.id: system.device for system in systems}
    launched = (str(device.launched.year) if device.launched else "unknown" for device in devices)
    priced = (str(offer.sources["price"].date.year) for offer in offers if "price" in offer.sources)
    offered = {(offer.provider, offer.region) for offer in offers if not offer.on_premises}
    return {
        "entries": {
            "devices": len(devices),
            "systems": len(systems),
            "systems written down": len(read_tables("system", catalog_root())[0]),
            "offers": len(offers),
            "grids": len(grids),
            "providers": len(load_records("provider")),
            "regions": sum(map(len, places.values())),
            "regions with offers": len(offered),
            "countries": len(read_countries(catalog_root())),
            "policies": len(policies),
            "rules of policies": sum(len(policy.rules) for policy in policies),
            "models": len(load_models()),
            "prices by the token": len(load_token_prices()),
            "grids whose day is known": len(days),
            "regions whose grid's day is known": sum(
                entry.get("grid", entry.get("country")) in days for table in places.values() for entry in table.values()
            ),
            "grids with a marginal intensity": sum(grid.marginal_g_per_kwh is not None for grid in grids.values()),
            "facilities": len(load_records("facility")),
            "providers with a charge for egress": sum(charge.egress_usd_per_gb is not None for charge in charges),
            "providers with a charge for storage": sum(one.storage_usd_per_gb_month is not None for one in charges),
            "currencies": len(load_records("currency")),
        },
        "facility figures": _facilities(places),
        "policies by kind": _counted(policy.kind for policy in policies),
        "rules by how they were written": _counted(
            "own words" if policy.kind == "choice" and not rule.read
            else "text of the clause read" if rule.read else "from knowledge of the text"
            for policy in policies for rule in policy.rules
        ),
        "rules by topic": _counted(rule.topic for policy in policies for rule in policy.rules),
        "devices by kind": _counted(device.kind for device in devices),
        "devices by vendor": _counted(device.vendor for device in devices),
        "devices by year": _newest_first(launched),
        "offers by provider": _counted(offer.provider for offer in offers),
        "offers by term": _counted(offer.term for offer in offers),
        "offers by country": _counted(offer.country or "anywhere" for offer in offers),
        "offers by continent": _counted(area for offer in offers for area in offer.areas if area in CONTINENTS),
        "offers by device": _counted(device_of[offer.system] for offer in offers),
        "offers by region": _counted(f"{offer.provider} {offer.region}" for offer in offers),
        "regions": _counted(provider for provider, _ in offered),
        "prices by year": _newest_first(priced),
    }


def _facilities(places: Table) -> dict[str, int]:
    """Of how many regions each figure is known, and how near: of itself, of the provider's fleet, of its area."""
    countries = {code.lower(): entry for code, entry in read_countries(catalog_root()).items()}
    known = read_by_id("facility", catalog_root())
    found: Counter[str] = Counter()
    for provider, table in places.items():
        for region, entry in table.items():
            areas = areas_of(region, entry.get("country", ""), "", (), countries)
            for figure, (_, name, _) in facility_figures(known, provider, region, areas).items():
                near = {f"{provider}/{region}": "its own", provider: "of the provider"}.get(name, "of the area")
                found[f"{figure}, {near}"] += 1
    return dict(sorted(found.items()))


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _newest_first(years: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(years).items(), reverse=True))
