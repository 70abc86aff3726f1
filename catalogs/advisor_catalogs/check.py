"""Check the catalogs: schema, duplicates, references, sources, ranges, physics, prices and their age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from advisor.devices import Device, Record, System, record_sources
from advisor.errors import InputError
from advisor.offers import Offer
from advisor.records import declared
from advisor_catalogs.documents import catalog_root
from advisor_catalogs.grids import Grid, load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_policies, load_records, load_systems
from advisor_catalogs.model_entries import load_models
from advisor_catalogs.physics import physics_problems
from advisor_catalogs.places import region_problems
from advisor_catalogs.policy_check import policy_problems
from advisor_catalogs.providers import Provider
from advisor_catalogs.ranges import range_problems

OLD_PRICE = {"spot": timedelta(days=2 * 365)}  # others after three years
OLD = timedelta(days=3 * 365)
DEVICE_HOUR_USD = (0.002, 40.0)  # from a Raspberry Pi's share to the dearest accelerator on demand
#: Fields that say what an entry is, not how much: they need no source.
NAMES = {"id", "name", "aliases", "vendor", "kind", "backend", "family", "device", "provider", "system", "instance",
         "region", "term", "tenancy", "areas", "country", "grid", "basis", "year",
         "lifetime_years", "on_premises", "max_nodes", "device_count", "max_systems"}  # fmt: skip


#: What is checked, in this order.
CHECKS = {
    "schema": "files can be read and every entry has the fields that it must have, and no others",
    "duplicates": "a name means one entry",
    "references": "devices, systems, providers, countries and grids that an entry names exist",
    "sources": "every figure has a source with a date, or the method by which it was estimated",
    "ranges": "no figure is outside of what its unit allows",
    "physics": "peak rates follow from units and clock, memory rates from channels; narrower formats are no slower",
    "prices": "prices are plausible, recent, and not above on-demand",
}


def check_catalogs(folder: Path | None = None, today: date | None = None) -> list[str]:
    """Return every problem of the built-in catalogs, or of a user's folder, each as one line."""
    return [line for lines in problems_by_check(folder, today).values() for line in lines]


def problems_by_check(folder: Path | None = None, today: date | None = None) -> dict[str, list[str]]:
    """Return the name of each of ``CHECKS`` to its problems; after one of ``schema`` the others are not done."""
    problems: dict[str, list[str]] = {name: [] for name in CHECKS}
    try:
        own = load_devices(folder)
        systems = load_systems(folder)
        offers = load_offers(folder)
        providers: list[Provider] = load_records("provider", folder)
        policies = load_policies(folder)
        new_grids = load_grids(folder) if folder is None or (folder / "grids.toml").is_file() else {}
        grids = new_grids if folder is None else {**load_grids(), **new_grids}
        places = list(region_problems(catalog_root() if folder is None else folder, grids))
        if folder is None:
            load_models()
    except InputError as error:
        problems["schema"].append(str(error))
        return problems
    devices = own if folder is None else [*own, *load_devices()]
    known = {system.id for system in systems} | ({system.id for system in load_systems()} if folder else set())
    problems["duplicates"] += [*_names("device", own), *_names("system", systems)]
    problems["references"] += _references(systems, offers, {device.id for device in devices}, known, grids)
    problems["physics"] += [f"device {device.id}: {text}" for device in own for text in physics_problems(device)]
    problems["prices"] += _prices(offers, systems, today or date.today())
    kinds: dict[str, Iterable[Record]] = {
        "device": own, "system": systems, "offer": offers, "grid": new_grids.values(), "provider": providers,
        "policy": policies,
    }  # fmt: skip
    for kind, records in kinds.items():
        for record in records:
            name = f"{kind} {getattr(record, 'id', '')}"
            problems["sources"] += [f"{name}: {text}" for text in source_problems(record)]
            problems["ranges"] += [f"{name}: {text}" for text in range_problems(kind, record)]
    known_policies = [policy.id for policy in load_policies()] if folder else []
    for check, line in [*places, *policy_problems(policies, known_policies)]:
        problems[check].append(line)
    return problems


def source_problems(record: Record) -> Iterator[str]:
    """Yield figures without a source, and source keys or figures that the record does not have."""
    if not record.sources:
        yield "no source"
    for figure, source in record_sources(record).items():
        if source is None and figure not in NAMES:
            yield f"{figure}: no source"
    fields = declared(type(record))
    for figure, key in record.figure_sources.items():
        if figure not in fields or key not in record.sources:
            yield f"figure_sources: {figure} = {key!r} names no such figure or source"
    for figure in record.estimated:
        base, _, part = figure.partition(".")
        value = getattr(record, base, None)
        if base not in fields or value is None or (part and not _has(value, part)):
            yield f"estimated: {figure!r} is not a figure of this entry"


def _has(value: Any, part: str) -> bool:
    return part in value if isinstance(value, Mapping) else hasattr(value, part)


def _names(kind: str, records: Sequence[Device] | Sequence[System]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for record in records:
        for name in (record.id, *record.aliases):
            other = seen.setdefault(name.lower(), record.id)
            if other != record.id:
                yield f"{kind} {record.id}: the name {name!r} is also one of {other}"


def _references(
    systems: Sequence[System], offers: Sequence[Offer], devices: set[str], known: set[str], grids: Mapping[str, Grid]
) -> Iterator[str]:
    for system in systems:
        if system.device not in devices:
            yield f"system {system.id}: device: unknown device {system.device!r}"
    for offer in offers:
        if offer.system not in known:
            yield f"offer {offer.id}: system: unknown system {offer.system!r}"
        if offer.grid and offer.grid not in grids:
            yield f"offer {offer.id}: grid: unknown grid {offer.grid!r}"


def _prices(offers: Sequence[Offer], systems: Sequence[System], today: date) -> Iterator[str]:
    counts = {system.id: system.device_count for system in systems}
    on_demand = {
        (offer.provider, offer.system, offer.instance, offer.region): offer.price_usd_per_hour
        for offer in offers
        if offer.term == "on-demand"
    }
    for offer in offers:
        price = offer.price_usd_per_hour
        where = f"offer {offer.id}"
        source = offer.sources.get("price")
        if source is not None and not offer.on_premises and today - source.date > OLD_PRICE.get(offer.term, OLD):
            yield f"{where}: price is from {source.date}, too old for {offer.term}"
        if source is not None and source.date > today:
            yield f"{where}: price is from {source.date}, which is yet to come"
        if price is None or offer.term == "owned":
            continue
        per_device = price / counts.get(offer.system, 1)
        low, high = DEVICE_HOUR_USD
        if not low <= per_device <= high:
            yield f"{where}: {per_device:.4g} USD a device and hour is not plausible ({low:g} to {high:g})"
        listed = on_demand.get((offer.provider, offer.system, offer.instance, offer.region))
        if listed is not None and price > listed * 1.001:
            yield f"{where}: {offer.term} {price:g} is dearer than on-demand {listed:g}"
