"""Load catalogs: the built-in ones, or a user's own folder of the same layout.

Layout: ``devices/*.toml``, ``systems/*.toml``, ``offers/*.csv``, ``providers.toml``, ``regions.toml``,
``countries.toml``, ``grids.toml``, ``policies/*.toml``. Every mistake is one ``InputError`` line: file, entry, field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from advisor.devices import Device, Record, System
from advisor.errors import InputError
from advisor.offers import Offer
from advisor.policies import Policy
from advisor_catalogs import cache
from advisor_catalogs.assembly import ensure_systems
from advisor_catalogs.documents import Table, catalog_root, entries, file_name, files_in, read_toml
from advisor_catalogs.grids import Grid
from advisor_catalogs.providers import Provider
from advisor_catalogs.records import refuse_duplicates, to_records

KINDS: dict[str, type[Record]] = {
    "device": Device,
    "system": System,
    "offer": Offer,
    "grid": Grid,
    "provider": Provider,
    "policy": Policy,
}
#: Folders and files whose name is not the kind with an s.
PLURALS = {"policy": "policies"}


def load_devices(folder: Path | None = None) -> list[Device]:
    """Return devices of the built-in catalog, or of ``folder/devices``."""
    return load_records("device", folder)


def load_systems(folder: Path | None = None, devices: Sequence[Device] | None = None) -> list[System]:
    """Return systems, with one ``COUNTxDEVICE`` for each such name that an offer uses.

    ``devices`` are those that ``folder``'s offers may name beside its own, by default the built-in ones.
    """
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
    return cache.cached(kind, KINDS[kind], catalog_root(), lambda: _parse(kind, catalog_root()))


def _parse(kind: str, root: Path) -> list[Any]:
    if kind == "offer":
        from advisor_catalogs.offer_files import read_offers

        tables, where = read_offers(root)
    else:
        tables, where = read_tables(kind, root)
    records = to_records(KINDS[kind], tables, where)
    refuse_duplicates(records, where, kind)
    return records


def read_tables(kind: str, root: Path) -> tuple[list[Table], list[str]]:
    """Return the expanded ``[[kind]]`` tables under ``root`` and the file that each comes from."""
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
