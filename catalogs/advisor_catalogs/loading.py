"""Load catalogs: the built-in ones, or a user's own folder of the same layout.

Layout: ``devices/*.toml``, ``systems/*.toml``, ``offers/*.csv``, ``providers.toml``, ``regions.toml``,
``countries.toml``, ``facilities.toml``, ``charges.toml``, ``grids.toml``, ``grid_hours.csv``, ``apis.csv``,
``currencies.toml``, ``policies/*.toml``. Every mistake is one ``InputError`` line: file, entry, field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import InputError
from advisor_catalogs import cache
from advisor_catalogs.documents import Table, catalog_root, entries, file_name, files_in, read_toml
from advisor_catalogs.records import refuse_duplicates, to_records

if TYPE_CHECKING:
    from advisor.devices import Device, Record, System
    from advisor.offers import Offer
    from advisor.policies import Policy

#: Kind of entry to its record, imported when the first of its kind is read.
KINDS = {
    "device": "advisor.devices:Device",
    "system": "advisor.devices:System",
    "offer": "advisor.offers:Offer",
    "grid": "advisor_catalogs.grids:Grid",
    "provider": "advisor_catalogs.providers:Provider",
    "policy": "advisor.policies:Policy",
    "facility": "advisor_catalogs.facilities:Facility",
    "charge": "advisor_catalogs.charges:Charge",
    "currency": "advisor_catalogs.currencies:Currency",
    "token_price": "advisor_catalogs.apis:TokenPrice",
    "grid_day": "advisor_catalogs.grid_hours:GridDay",
}
#: Folders and files whose name is not the kind with an s.
PLURALS = {"policy": "policies", "facility": "facilities", "currency": "currencies"}
#: Kinds in one CSV file: the file, and what reads it.
TABLES = {"token_price": ("apis.csv", "advisor_catalogs.apis:read_token_prices"),
          "grid_day": ("grid_hours.csv", "advisor_catalogs.grid_hours:read_grid_days")}  # fmt: skip


def record_type(kind: str) -> type[Record]:
    """Return the record of a kind."""
    found: type[Record] = _imported(KINDS[kind])
    return found


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def load_devices(folder: Path | None = None) -> list[Device]:
    """Return devices of the built-in catalog, or of ``folder/devices``."""
    return load_records("device", folder)


def load_systems(folder: Path | None = None, devices: Sequence[Device] | None = None) -> list[System]:
    """Return systems, with one ``COUNTxDEVICE`` for each such name that an offer uses.

    ``devices`` are those that ``folder``'s offers may name beside its own, by default the built-in ones.
    """
    from advisor_catalogs.assembly import ensure_systems

    systems: list[System] = load_records("system", folder)
    known = [*load_devices(folder), *(load_devices() if devices is None else devices)] if folder else load_devices()
    return ensure_systems(systems, load_offers(folder), known)


def load_offers(folder: Path | None = None) -> list[Offer]:
    """Return offers with what is known of their provider and region merged in."""
    return load_records("offer", folder)


def load_policies(folder: Path | None = None) -> list[Policy]:
    """Return laws, standards and other policies."""
    return load_records("policy", folder)


def load_records(kind: str, folder: Path | None = None) -> list[Any]:
    """Return the checked records of one kind, from the cache where the built-in files are unchanged."""
    if folder is not None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such catalog folder")
        return _parse(kind, folder)
    return cache.cached(kind, record_type(kind), catalog_root(), lambda: _parse(kind, catalog_root()))


def _parse(kind: str, root: Path) -> list[Any]:
    tables, where = read_tables(kind, root)
    records = to_records(record_type(kind), tables, where)
    refuse_duplicates(records, where, kind)
    return records


def read_tables(kind: str, root: Path) -> tuple[list[Table], list[str]]:
    """Return the expanded tables of that kind under ``root`` and where each of them stands."""
    if kind == "offer":
        from advisor_catalogs.offer_files import read_offers

        return read_offers(root)
    if kind in TABLES:
        name, reader = TABLES[kind]
        read: Callable[[Path], tuple[list[Table], list[str]]] = _imported(reader)
        return read(root / name) if (root / name).is_file() else ([], [])
    tables: list[Table] = []
    where: list[str] = []
    for file in _files_of(kind, root):
        for entry in entries(read_toml(file), kind, file_name(file)):
            tables.append(entry)
            where.append(file_name(file))
    return tables, where


def _files_of(kind: str, root: Path) -> Iterable[Path]:
    plural = PLURALS.get(kind, f"{kind}s")
    folder = root / plural
    if folder.is_dir():
        return files_in(folder, ".toml")
    single = root / f"{plural}.toml"
    return [single] if single.is_file() else []
