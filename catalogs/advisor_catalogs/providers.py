"""Providers, their regions and countries: what is true of every offer there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.devices import Record
from advisor.errors import InputError, nearest
from advisor.records import Checked
from advisor_catalogs.documents import Table, entries, file_name, read_toml

FILES = {"provider": "providers.toml", "facility": "facilities.toml", "charge": "charges.toml"}


class Provider(Record, frozen=True, kw_only=True):
    """A company that rents systems, or ``own`` for hardware that the user owns.

    ``jurisdictions`` are the countries whose law reaches the company, wherever the region is. ``encryption`` is
    ``customer-keys`` (the customer manages keys of data at rest) and ``external-keys`` (kept outside of the provider),
    ``logging`` is ``audit-log`` and ``access-transparency`` (access by the provider's staff is logged for the customer
    or needs approval).
    """

    id: str
    name: str
    jurisdictions: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    encryption: tuple[str, ...] = ()
    logging: tuple[str, ...] = ()
    tenancy: str = "shared"
    on_premises: bool = False


class Region(Checked, frozen=True, kw_only=True):
    """Where a provider has systems; its halls' figures stand in ``facilities.toml``."""

    country: str = ""
    place: str = ""
    grid: str = ""
    areas: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()


def read_countries(root: Path) -> dict[str, dict[str, Any]]:
    """Return country code to ``names`` and ``groups``."""
    file = root / "countries.toml"
    return read_toml(file) if file.is_file() else {}


def read_by_id(kind: str, root: Path) -> dict[str, Table]:
    """Return id to expanded table of ``root``'s file of providers, facilities or charges."""
    file = root / FILES[kind]
    if not file.is_file():
        return {}
    return {entry.get("id", ""): entry for entry in entries(read_toml(file), kind, file_name(file))}


def read_regions(root: Path) -> Table:
    """Return ``regions.toml``: provider to region to its table, and ``sources``."""
    file = root / "regions.toml"
    return read_toml(file) if file.is_file() else {}


def areas_of(region: str, country: str, place: str, more: tuple[str, ...], countries: Table) -> tuple[str, ...]:
    """Return every name that a region filter accepts for a place, lower case, the nearest first.

    ``countries`` is the code in lower case to ``names`` and ``groups``.
    """
    entry = countries.get(country.lower())
    of_country = (country.lower(), *entry["names"], *entry["groups"]) if entry else ()
    named = [region.lower(), place.lower().replace(" ", "-"), *of_country, *more]
    return tuple(dict.fromkeys(name for name in named if name))


def region_table(regions: Table, provider: str, region: str, where: str) -> Table:
    """Return one region's table; ``InputError`` where the provider has no such region."""
    table = regions.get(provider, {})
    if region not in table:
        close = nearest(region, table)
        hint = f"; did you mean {' or '.join(close)}?" if close else f"; add it under [{provider}] in regions.toml"
        raise InputError(f"{where}: region: {provider} has no region {region!r}{hint}")
    found: Table = table[region]
    return found
