"""Check regions and countries: every place has a known country and grid."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from advisor.records import declared
from advisor_catalogs.documents import Table, catalog_root
from advisor_catalogs.providers import Region, read_countries, read_regions

AREA = re.compile(r"^[a-z][a-z-]*$")


def region_problems(root: Path, grids: Collection[str], providers: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for what is wrong in ``root/regions.toml``."""
    countries = read_countries(catalog_root()) | read_countries(root)
    for provider, table in read_regions(root).items():
        if provider == "sources":
            continue
        if provider not in providers:
            yield "references", f"regions of {provider}: unknown provider {provider!r}"
        for region, entry in table.items():
            for check, text in _problems(entry, countries, grids):
                yield check, f"region {provider}/{region}: {text}"


def _problems(entry: Table, countries: Collection[str], grids: Collection[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(entry, dict):
        yield "schema", "expected a table such as { country = \"DE\", grid = \"DE\" }"
        return
    unknown = sorted(set(entry) - set(declared(Region)))
    if unknown:
        yield "schema", f"{unknown[0]}: not a field; accepted: {', '.join(declared(Region))}"
    for field, kind in (("country", str), ("grid", str), ("place", str), ("areas", list), ("certifications", list)):
        if not isinstance(entry.get(field, kind()), kind):
            yield "schema", f"{field}: expected {'text' if kind is str else 'a list of texts'}, not {entry[field]!r}"
            return
    if not entry.get("country") and "on-premises" not in entry.get("areas", ()):
        yield "references", "country: is required, but for hardware of one's own"
    if entry.get("country") and entry["country"] not in countries:
        yield "references", f"country: unknown country {entry['country']!r}"
    if entry.get("grid") and entry["grid"] not in grids:
        yield "references", f"grid: unknown grid {entry['grid']!r}"


def country_problems(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for what is wrong in ``root/countries.toml``."""
    owners: dict[str, str] = {}
    for code, entry in read_countries(root).items():
        where = f"country {code}"
        if not re.fullmatch(r"[A-Z]{2}", code):
            yield "schema", f"{where}: expected a code of two capital letters (ISO 3166-1)"
        fields = set(entry) if isinstance(entry, dict) else set()
        if fields != {"names", "groups"}:
            yield "schema", f"{where}: needs names and groups, and nothing else"
            continue
        for name in (*entry["names"], *entry["groups"]):
            if not isinstance(name, str) or not AREA.match(name):
                yield "schema", f"{where}: {name!r}: expected small letters and hyphens"
        for name in map(str, entry["names"]):
            if owners.setdefault(name, code) != code:
                yield "duplicates", f"{where}: the name {name!r} is also one of {owners[name]}"
