"""Offers from CSV, one file a provider, with what is known of the provider and the region merged in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import InputError, nearest
from advisor_catalogs.charges import FIGURES as CHARGED
from advisor_catalogs.documents import Table, catalog_root, file_name, files_in, read_csv
from advisor_catalogs.facilities import facility_figures
from advisor_catalogs.providers import areas_of, read_by_id, read_countries, read_regions, region_table

REQUIRED = ("provider", "system", "region", "term", "price_usd_per_hour", "source", "source_url", "date")
OPTIONAL = ("instance", "purchase_usd", "tenancy", "confidential_computing", "max_systems", "estimated", "notes")
TERMS = ("on-demand", "spot", "reserved-1y", "reserved-3y", "owned")
YES = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def read_offers(root: Path, over: Path | None = None) -> tuple[list[Table], list[str]]:
    """Return offer tables of ``root/offers/*.csv`` and the ``file:line`` of each.

    A user's folder may use the built-in providers and regions beside its own; those of ``over`` win over all.
    """
    folders = list(dict.fromkeys((catalog_root(), root, over or root)))
    known = {kind: {name: entry for folder in folders for name, entry in read_by_id(kind, folder).items()}
             for kind in ("provider", "facility", "charge")}  # fmt: skip
    regions: Table = {}
    for folder in folders:
        for provider, table in read_regions(folder).items():
            regions[provider] = {**regions.get(provider, {}), **table}
    countries = {code.lower(): entry for folder in folders for code, entry in read_countries(folder).items()}
    tables: list[Table] = []
    where: list[str] = []
    for file in files_in(root / "offers", ".csv"):
        for line, row in read_csv(file, REQUIRED, OPTIONAL, file_name(file)):
            tables.append(_offer(row, known, regions, countries, line))
            where.append(line)
    return tables, where


def _offer(
    row: dict[str, str], known: Mapping[str, dict[str, Table]], regions: Table, countries: Table, where: str
) -> Table:
    provider = known["provider"].get(row["provider"])
    if provider is None:
        close = nearest(row["provider"], known["provider"])
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"{where}: provider: {row['provider']!r} is not in providers.toml{hint}")
    if row["term"] not in TERMS:
        raise InputError(f"{where}: term: {row['term']!r} is not one of {', '.join(TERMS)}")
    region = region_table(regions, row["provider"], row["region"], where)
    price = _number(row["price_usd_per_hour"], "price_usd_per_hour", where)
    purchase = _number(row.get("purchase_usd", ""), "purchase_usd", where)
    if price is None and purchase is None:
        raise InputError(f"{where}: price_usd_per_hour: give a price an hour, or purchase_usd")
    country = region.get("country", "")
    areas = areas_of(row["region"], country, region.get("place", ""), tuple(region.get("areas", ())), countries)
    on_premises = provider.get("on_premises", False)
    sources: Table = {"price": {"title": row["source"], "url": row["source_url"], "date": row["date"]}}
    sources |= {f"provider.{key}": source for key, source in provider.get("sources", {}).items()}
    first = next((f"provider.{key}" for key in provider.get("sources", {})), "price")
    figure_sources = {"certifications": first, "jurisdictions": first}
    for figure in ("encryption", "logging"):
        if provider.get(figure):
            key = provider.get("figure_sources", {}).get(figure, "")
            figure_sources[figure] = f"provider.{key}" if key else first
    estimated: dict[str, str] = {}
    attributes: dict[str, str] = {}
    pue = None
    near = facility_figures(known["facility"], row["provider"], row["region"], areas)
    for figure, (value, place, table) in near.items():
        name = "pue" if figure == "pue" else f"attributes.{figure}"
        if figure == "pue":
            pue = value
        else:
            attributes[figure] = f"{value:g}"
        _cite(name, figure, f"facility.{place}", table, sources, figure_sources, estimated)
    charge = {} if on_premises else known["charge"].get(row["provider"], {})
    for figure in CHARGED:
        if charge.get(figure) is not None:
            attributes[figure] = f"{charge[figure]:g}"
            _cite(f"attributes.{figure}", figure, "charge", charge, sources, figure_sources, estimated)
    table: Table = {
        "id": "/".join((row["provider"], row.get("instance") or row["system"], row["region"], row["term"])),
        "provider": row["provider"],
        "system": row["system"],
        "instance": row.get("instance", ""),
        "region": row["region"],
        "country": country,
        "areas": areas,
        "jurisdictions": tuple(dict.fromkeys((*provider.get("jurisdictions", ()), *([country] if country else [])))),
        "term": row["term"],
        "price_usd_per_hour": price,
        "purchase_usd": purchase,
        "on_premises": on_premises,
        "tenancy": row.get("tenancy") or provider.get("tenancy", "shared"),
        "confidential_computing": _yes(row.get("confidential_computing", ""), where),
        "certifications": (*provider.get("certifications", ()), *region.get("certifications", ())),
        "encryption": tuple(provider.get("encryption", ())),
        "logging": tuple(provider.get("logging", ())),
        "grid": region.get("grid", country),
        "pue": pue,
        "attributes": attributes,
        "sources": sources,
        "figure_sources": figure_sources,
    }
    if row.get("max_systems"):
        table["max_systems"] = row["max_systems"]
    if row.get("estimated"):
        estimated["purchase_usd" if price is None else "price_usd_per_hour"] = row["estimated"]
    if estimated:
        table["estimated"] = estimated
    return table


def _cite(
    name: str, figure: str, prefix: str, table: Table, sources: Table, figure_sources: dict[str, str],
    estimated: dict[str, str],
) -> None:  # fmt: skip
    """Bring the source of a figure of another catalog, and how it was estimated, to the offer's figure ``name``."""
    own = table.get("sources", {})
    key = table.get("figure_sources", {}).get(figure) or next(iter(own), "")
    if key in own:
        sources[f"{prefix}.{key}"] = own[key]
        figure_sources[name] = f"{prefix}.{key}"
    if figure in table.get("estimated", {}):
        estimated[name] = table["estimated"][figure]


def _number(text: str, field: str, where: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise InputError(f"{where}: {field}: expected US dollars such as 2.49, not {text!r}") from None


def _yes(text: str, where: str) -> Any:
    if text.lower() not in YES:
        raise InputError(f"{where}: confidential_computing: expected yes or no, not {text!r}")
    return YES[text.lower()]
