"""Offers from CSV, one file a provider, with what is known of the provider and the region merged in."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from advisor.errors import InputError, nearest
from advisor_catalogs.documents import Table, catalog_root, file_name, files_in, read_text
from advisor_catalogs.providers import areas_of, read_charges, read_providers, read_regions, region_table

REQUIRED = ("provider", "system", "region", "term", "price_usd_per_hour", "source", "source_url", "date")
OPTIONAL = ("instance", "purchase_usd", "tenancy", "confidential_computing", "max_systems", "estimated", "notes")
TERMS = ("on-demand", "spot", "reserved-1y", "reserved-3y", "owned")
YES = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def read_offers(root: Path, over: Path | None = None) -> tuple[list[Table], list[str]]:
    """Return offer tables of ``root/offers/*.csv`` and the ``file:line`` of each.

    A user's folder may use the built-in providers and regions beside its own; those of ``over`` win over all.
    """
    providers = {**read_providers(catalog_root()), **read_providers(root), **(read_providers(over) if over else {})}
    regions = read_regions(catalog_root())
    for folder in {root, over or root} - {catalog_root()}:
        for provider, table in read_regions(folder).items():
            regions[provider] = {**regions.get(provider, {}), **table}
    known_charges = read_charges(root)
    tables: list[Table] = []
    where: list[str] = []
    for file in files_in(root / "offers", ".csv"):
        for line, row in _rows(file):
            tables.append(_offer(row, providers, regions, known_charges, line))
            where.append(line)
    return tables, where


def _rows(file: Path) -> list[tuple[str, dict[str, str]]]:
    name = file_name(file)
    lines = csv.reader(io.StringIO(read_text(file)))
    try:
        header = [column.strip() for column in next(lines, [])]
        missing = [column for column in REQUIRED if column not in header]
        unknown = [column for column in header if column not in REQUIRED + OPTIONAL]
        if missing or unknown:
            problem = f"needs the column {missing[0]!r}" if missing else f"unknown column {unknown[0]!r}"
            raise InputError(f"{name}: {problem}; accepted: {', '.join(REQUIRED + OPTIONAL)}")
        rows = []
        for number, cells in enumerate(lines, 2):
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise InputError(f"{name} row {number}: {len(cells)} cells, but the header has {len(header)}")
            row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            rows.append((f"{name} row {number}", row))
        return rows
    except csv.Error as error:
        raise InputError(f"{name}: not valid CSV ({error})") from None


def _offer(
    row: dict[str, str], providers: dict[str, Table], regions: Table, known_charges: Table, where: str
) -> Table:
    provider = providers.get(row["provider"])
    if provider is None:
        close = nearest(row["provider"], providers)
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
    sources: Table = {"price": {"title": row["source"], "url": row["source_url"], "date": row["date"]}}
    sources |= {f"provider.{key}": source for key, source in provider.get("sources", {}).items()}
    first = next((f"provider.{key}" for key in provider.get("sources", {})), "price")
    figure_sources = {"certifications": first, "jurisdictions": first}
    for figure in ("encryption", "logging"):
        if provider.get(figure):
            key = provider.get("figure_sources", {}).get(figure, "")
            figure_sources[figure] = f"provider.{key}" if key else first
    pue = region.get("pue", provider.get("pue"))
    if pue is not None:
        key = region.get("pue_source", "") if "pue" in region else provider.get("figure_sources", {}).get("pue", "")
        if "pue" in region and key in regions.get("sources", {}):
            sources[key] = regions["sources"][key]
            figure_sources["pue"] = key
        else:
            figure_sources["pue"] = f"provider.{key}" if key else first
    attributes = _attributes(region)
    charges = dict(known_charges.get("charges", {}).get(row["provider"], {}))
    if charges and not provider.get("on_premises", False):
        sources["charges"] = known_charges["sources"][charges.pop("source")]
        attributes |= {name: f"{usd:g}" for name, usd in charges.items()}
    facility = next(iter(regions.get("sources", {})), None)  # the first source of regions.toml has its water and shares
    if attributes and facility is not None:
        sources[facility] = regions["sources"][facility]
        figure_sources["attributes"] = facility
    table: Table = {
        "id": "/".join((row["provider"], row.get("instance") or row["system"], row["region"], row["term"])),
        "provider": row["provider"],
        "system": row["system"],
        "instance": row.get("instance", ""),
        "region": row["region"],
        "country": country,
        "areas": areas_of(row["region"], country, region.get("place", ""), tuple(region.get("areas", ()))),
        "jurisdictions": tuple(dict.fromkeys((*provider.get("jurisdictions", ()), *([country] if country else [])))),
        "term": row["term"],
        "price_usd_per_hour": price,
        "purchase_usd": purchase,
        "on_premises": provider.get("on_premises", False),
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
        table["estimated"] = {"purchase_usd" if price is None else "price_usd_per_hour": row["estimated"]}
    return table


def _attributes(region: Table) -> dict[str, str]:
    named = ("water_l_per_kwh", "carbon_free_share")
    return {name: f"{region[name]:g}" for name in named if region.get(name) is not None}


def _number(text: str, field: str, where: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise InputError(f"{where}: {field}: expected US dollars such as 2.49, not {text!r}") from None


def _yes(text: str, where: str) -> Any:
    if text.lower() not in YES:
        raise InputError(f"{where}: confidential_computing: expected yes or no, not {text!r}")
    return YES[text.lower()]
