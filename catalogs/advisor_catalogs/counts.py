"""How much the catalogs hold: what ``advisor catalog stats`` prints."""

from __future__ import annotations

from collections import Counter

from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_systems

CONTINENTS = ("africa", "asia", "europe", "middle-east", "north-america", "oceania", "south-america")


def catalog_counts() -> dict[str, dict[str, int]]:
    """Return counts of entries, devices by kind and vendor, offers by provider, term and continent."""
    devices, systems, offers, grids = load_devices(), load_systems(), load_offers(), load_grids()
    return {
        "entries": {"devices": len(devices), "systems": len(systems), "offers": len(offers), "grids": len(grids)},
        "devices by kind": dict(Counter(device.kind for device in devices)),
        "devices by vendor": dict(Counter(device.vendor for device in devices)),
        "offers by provider": dict(Counter(offer.provider for offer in offers)),
        "offers by term": dict(Counter(offer.term for offer in offers)),
        "offers by continent": dict(
            Counter(area for offer in offers for area in offer.areas if area in CONTINENTS)
        ),
        "regions": dict(Counter(provider for provider, _ in {(offer.provider, offer.region) for offer in offers})),
    }
