"""How much the catalogs hold: what ``advisor catalog stats`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from advisor_catalogs.apis import load_token_prices
from advisor_catalogs.documents import catalog_root, read_toml
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
from advisor_catalogs.providers import read_charges, read_countries, read_regions

CONTINENTS = ("africa", "asia", "europe", "middle-east", "north-america", "oceania", "south-america")


def catalog_counts() -> dict[str, dict[str, int]]:
    """Return title of a table to what it counts: entries of each catalog, then each catalog by what tells it apart.

    Systems are those written down; offers name others by count and device, which are made when they are loaded.
    """
    devices, systems, offers, grids = load_devices(), load_systems(), load_offers(), load_grids()
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
            "grids whose day is known": len(load_grid_hours()),
            "providers with charges for data": len(read_charges(catalog_root())["charges"]),
            "currencies": len(read_toml(catalog_root() / "currencies.toml")["per_usd"]),
        },
        "facilities": {
            f"regions with {figure}": sum(figure in entry for table in places.values() for entry in table.values())
            for figure in ("pue", "water_l_per_kwh", "carbon_free_share")
        },
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


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _newest_first(years: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(years).items(), reverse=True))
