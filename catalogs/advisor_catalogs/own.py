"""A user's own catalog folder: what it adds, and what it overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import InputError
from advisor_catalogs.documents import catalog_root
from advisor_catalogs.loading import load_devices, load_offers, load_records, load_systems
from advisor_catalogs.model_entries import load_models
from advisor_catalogs.offer_files import read_offers
from advisor_catalogs.records import to_records

if TYPE_CHECKING:
    from advisor.offers import Offer

#: What a folder may hold, as ``catalogs/README.md`` describes it.
HELD = ("devices", "systems", "offers", "policies", "models", "policies.toml", "devices.toml", "systems.toml",
        "grids.toml", "providers.toml", "regions.toml", "countries.toml", "facilities.toml", "charges.toml",
        "currencies.toml", "grid_hours.csv", "apis.csv")  # fmt: skip
#: Files that change what is known of the built-in offers.
OF_OFFERS = ("providers.toml", "regions.toml", "facilities.toml", "charges.toml", "countries.toml")


def read_own(folder: Path) -> Mapping[str, Iterable[Any]]:
    """Return the entries of a folder by hook, or by the name that plugins read; ``InputError`` for a wrong file.

    Nothing, where the folder is laid out in a way that another plugin may know. What the folder says of a provider,
    region, facility or charge changes the built-in offers there, so those are given too.
    """
    if not _holds_catalog(folder):
        return {}
    offers = load_offers(folder)
    if any((folder / name).is_file() for name in OF_OFFERS):
        offers += _changed_offers(folder, {offer.id for offer in offers})
    kinds = {"policies": "policy", "grids": "grid", "grid_days": "grid_day", "providers": "provider",
             "facilities": "facility", "charges": "charge", "currencies": "currency",
             "token_prices": "token_price"}  # fmt: skip
    return {
        "devices": load_devices(folder), "systems": load_systems(folder), "offers": offers,
        "models": load_models(folder), **{name: load_records(kind, folder) for name, kind in kinds.items()},
    }  # fmt: skip


def refuse_no_catalog(folder: Path) -> None:
    """Raise ``InputError`` where there is no folder, or nothing of a catalog in it."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such catalog folder")
    if not _holds_catalog(folder):
        raise InputError(f"{folder}: holds no catalog; expected one of {', '.join(HELD)}")


def _holds_catalog(folder: Path) -> bool:
    return any((folder / name).exists() for name in HELD)


def _changed_offers(folder: Path, own: set[str]) -> list[Offer]:
    from advisor.offers import Offer

    tables, where = read_offers(catalog_root(), over=folder)
    built_in = {offer.id: offer for offer in load_offers()}
    made = to_records(Offer, tables, where)
    return [offer for offer in made if offer.id not in own and offer != built_in.get(offer.id)]
