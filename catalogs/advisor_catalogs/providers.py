"""Providers, their regions and countries: what is true of every offer there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from advisor.devices import Record
from advisor.errors import InputError, nearest
from advisor.records import Checked, Fraction, Number, PositiveFloat
from advisor_catalogs.documents import Table, catalog_root, entries, file_name, read_toml


class Provider(Record, frozen=True, kw_only=True):
    """A company that rents systems, or ``own`` for hardware that the user owns.

    ``jurisdictions`` are the countries whose law reaches the company, wherever the region is. ``pue`` is
    the fleet's, used where a region has none. ``encryption`` is ``customer-keys`` (the customer manages keys of
    data at rest) and ``external-keys`` (kept outside of the provider), ``logging`` is ``audit-log`` and
    ``access-transparency`` (access by the provider's staff is logged for the customer or needs approval).
    """

    id: str
    name: str
    jurisdictions: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    encryption: tuple[str, ...] = ()
    logging: tuple[str, ...] = ()
    tenancy: str = "shared"
    on_premises: bool = False
    pue: PositiveFloat | None = None


class Region(Checked, frozen=True, kw_only=True):
    """Where a provider has systems: country, grid, and the facility's own figures where published."""

    country: str = ""
    place: str = ""
    grid: str = ""
    areas: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    pue: PositiveFloat | None = None
    pue_source: str = ""
    water_l_per_kwh: Number | None = None
    carbon_free_share: Fraction | None = None


def read_countries(root: Path) -> dict[str, dict[str, Any]]:
    """Return country code to ``names`` and ``groups``."""
    file = root / "countries.toml"
    return read_toml(file) if file.is_file() else {}


def read_providers(root: Path) -> dict[str, Table]:
    """Return provider id to its expanded table."""
    file = root / "providers.toml"
    if not file.is_file():
        return {}
    return {entry.get("id", ""): entry for entry in entries(read_toml(file), "provider", file_name(file))}


def read_regions(root: Path) -> Table:
    """Return ``regions.toml``: provider to region to its table, and ``sources``."""
    file = root / "regions.toml"
    return read_toml(file) if file.is_file() else {}


def read_charges(root: Path) -> Table:
    """Return ``charges.toml``: what each provider charges beside systems; the built-in one where a folder has none."""
    file = root / "charges.toml"
    return read_toml(file if file.is_file() else catalog_root() / "charges.toml")


@cache
def country_names() -> dict[str, tuple[str, ...]]:
    """Return country code, lower case, to every area that a system there is in."""
    table = read_countries(catalog_root())
    return {code.lower(): (code.lower(), *entry["names"], *entry["groups"]) for code, entry in table.items()}


def country_code(name: str) -> str:
    """Return the ISO code for a code or an English name (``de``, ``Germany``), or an empty string."""
    wanted = name.strip().lower().replace(" ", "-")
    for code, entry in read_countries(catalog_root()).items():
        if wanted == code.lower() or wanted in entry["names"]:
            return code
    return ""


def areas_of(region: str, country: str, place: str = "", more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return every name that a region filter accepts for a place, lower case, the nearest first."""
    named = [region.lower(), place.lower().replace(" ", "-"), *country_names().get(country.lower(), ()), *more]
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
