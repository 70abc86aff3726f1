"""Check regions and countries: every place has a known country and grid, every figure of a facility a source."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from advisor.records import declared
from advisor_catalogs.documents import Table, catalog_root
from advisor_catalogs.providers import Region, read_countries, read_providers, read_regions
from advisor_catalogs.ranges import range_problems


def region_problems(root: Path, grids: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for what is wrong in ``root/regions.toml``: schema, references, sources or ranges."""
    regions = read_regions(root)
    countries = read_countries(catalog_root()) | read_countries(root)
    providers = {**read_providers(catalog_root()), **read_providers(root)}
    sources = regions.get("sources", {})
    for provider, table in regions.items():
        if provider == "sources":
            continue
        if provider not in providers:
            yield "references", f"regions of {provider}: unknown provider {provider!r}"
        for region, entry in table.items():
            where = f"region {provider}/{region}"
            for check, text in _problems(entry, countries, grids, sources):
                yield check, f"{where}: {text}"


def _problems(
    entry: Table, countries: Collection[str], grids: Collection[str], sources: Collection[str]
) -> Iterator[tuple[str, str]]:
    unknown = sorted(set(entry) - set(declared(Region)))
    if unknown:
        yield "schema", f"{unknown[0]}: not a field; accepted: {', '.join(declared(Region))}"
    if not entry.get("country") and "on-premises" not in entry.get("areas", ()):
        yield "references", "country: is required, but for hardware of one's own"
    if entry.get("country") and entry["country"] not in countries:
        yield "references", f"country: unknown country {entry['country']!r}"
    if entry.get("grid") and entry["grid"] not in grids:
        yield "references", f"grid: unknown grid {entry['grid']!r}"
    if "pue" in entry and entry.get("pue_source") not in sources:
        yield "sources", "pue: pue_source names no source of this file"
    if not sources and {"water_l_per_kwh", "carbon_free_share"} & set(entry):
        yield "sources", "water_l_per_kwh and carbon_free_share need a [sources.KEY] table in this file"
    for text in range_problems("region", entry):
        yield "ranges", text
