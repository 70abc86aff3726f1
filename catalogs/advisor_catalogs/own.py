"""A user's own catalog folder: what it adds, and what it overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from advisor.devices import Record
from advisor.errors import InputError
from advisor.offers import Offer
from advisor_catalogs.documents import catalog_root
from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_policies, load_systems
from advisor_catalogs.offer_files import read_offers
from advisor_catalogs.records import to_records

#: What a folder may hold, as ``catalogs/README.md`` describes it.
HELD = ("devices", "systems", "offers", "policies", "policies.toml", "devices.toml", "systems.toml", "grids.toml",
        "providers.toml", "regions.toml", "countries.toml")  # fmt: skip


def read_own(folder: Path) -> Mapping[str, Iterable[Record]]:
    """Return the records of a folder by hook, and ``grids``; raises ``InputError`` for a wrong file.

    A provider or region of the folder changes what is known of the built-in offers there, so those are given too.
    """
    refuse_no_catalog(folder)
    offers = load_offers(folder)
    if (folder / "providers.toml").is_file() or (folder / "regions.toml").is_file():
        offers += _changed_offers(folder, {offer.id for offer in offers})
    return {
        "devices": load_devices(folder), "systems": load_systems(folder), "offers": offers,
        "policies": load_policies(folder), "grids": list(load_grids(folder).values()),
    }  # fmt: skip


def refuse_no_catalog(folder: Path) -> None:
    """Raise ``InputError`` where there is no folder, or nothing of a catalog in it."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such catalog folder")
    if not any((folder / name).exists() for name in HELD):
        raise InputError(f"{folder}: holds no catalog; expected one of {', '.join(HELD)}")


def _changed_offers(folder: Path, own: set[str]) -> list[Offer]:
    tables, where = read_offers(catalog_root(), over=folder)
    built_in = {offer.id: offer for offer in load_offers()}
    made: list[Offer] = to_records(Offer, tables, where)
    return [offer for offer in made if offer.id not in own and offer != built_in.get(offer.id)]
