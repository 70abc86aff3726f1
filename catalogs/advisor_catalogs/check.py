"""Check the catalogs: schema, duplicates, references, sources, ranges, physics, prices, and the age of figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from advisor.devices import Record, record_sources
from advisor.errors import InputError
from advisor.records import declared
from advisor_catalogs.ages import age_problems
from advisor_catalogs.documents import catalog_root
from advisor_catalogs.loading import KINDS, load_records, load_systems
from advisor_catalogs.model_check import model_problems
from advisor_catalogs.physics import family_problems, physics_problems
from advisor_catalogs.places import country_problems, region_problems
from advisor_catalogs.policy_check import policy_problems
from advisor_catalogs.prices import price_problems
from advisor_catalogs.ranges import range_problems
from advisor_catalogs.records import DuplicateError
from advisor_catalogs.references import name_problems, reference_problems

#: Fields that say what an entry is, not how much: they need no source.
NAMES = {"id", "name", "aliases", "vendor", "kind", "backend", "family", "device", "provider", "system", "instance",
         "region", "term", "tenancy", "areas", "country", "grid", "basis", "year", "model", "notes",
         "carbon_free_basis", "lifetime_years", "on_premises", "max_nodes", "device_count", "max_systems"}  # fmt: skip


#: What is checked, in this order.
CHECKS = {
    "schema": "files can be read and every entry has the fields that it must have, and no others",
    "duplicates": "a name means one entry",
    "references": "devices, systems, providers, regions, countries, grids and models that an entry names exist",
    "sources": "every figure has a source with a date, or the method by which it was estimated",
    "ranges": "no figure is outside of what its unit allows",
    "physics": "peak rates follow from units and clock, memory rates from channels; narrower formats are no slower; "
               "a grid's hours have its mean",
    "prices": "prices are plausible, and not above on-demand",
    "age": "no price, charge, exchange rate, grid or facility is older than its kind may be, or yet to come",
}  # fmt: skip


def check_catalogs(folder: Path | None = None, today: date | None = None) -> list[str]:
    """Return every problem of the built-in catalogs, or of a user's folder, each as one line."""
    return [line for lines in problems_by_check(folder, today).values() for line in lines]


def problems_by_check(folder: Path | None = None, today: date | None = None) -> dict[str, list[str]]:
    """Return the name of each of ``CHECKS`` to its problems; a kind whose file cannot be read is checked no further."""
    problems: dict[str, list[str]] = {name: [] for name in CHECKS}
    own: dict[str, list[Any]] = {}
    for kind in KINDS:
        try:
            own[kind] = load_systems(folder) if kind == "system" else load_records(kind, folder)
        except InputError as error:
            own[kind] = []
            check = "duplicates" if isinstance(error, DuplicateError) else "schema"
            if str(error) not in problems[check]:  # systems need devices and offers
                problems[check].append(str(error))
    known = own if folder is None else {kind: [*own[kind], *load_records(kind)] for kind in KINDS}
    if folder is not None:
        known["system"] = [*own["system"], *load_systems()]
    for kind, records in own.items():
        for record in records:
            name = f"{kind.replace('_', ' ')} {record.id}"
            problems["sources"] += [f"{name}: {text}" for text in source_problems(record)]
            problems["ranges"] += [f"{name}: {text}" for text in range_problems(kind, record)]
            if kind in ("device", "grid_day"):
                problems["physics"] += [f"{name}: {text}" for text in physics_problems(record)]
    root = catalog_root() if folder is None else folder
    places = ({grid.id for grid in known["grid"]}, {provider.id for provider in known["provider"]})
    for more in (
        name_problems(own), reference_problems(own, known, root), price_problems(own),
        age_problems(own, today or date.today()), model_problems(root), region_problems(root, *places),
        country_problems(root), family_problems(known["device"]),
        policy_problems(own["policy"], [policy.id for policy in known["policy"]]),
    ):  # fmt: skip
        _gather(more, problems)
    return problems


def _gather(found: Iterator[tuple[str, str]], problems: Mapping[str, list[str]]) -> None:
    """Sort lines under their check; a file that cannot be read is a line of ``schema``."""
    try:
        for check, line in found:
            problems[check].append(line)
    except InputError as error:
        problems["schema"].append(str(error))


def source_problems(record: Record) -> Iterator[str]:
    """Yield figures without a source, and source keys or figures that the record does not have."""
    if not record.sources:
        yield "no source"
    for figure, source in record_sources(record).items():
        if source is None and figure not in NAMES:
            yield f"{figure}: no source"
    for figure, key in record.figure_sources.items():
        if not _has(record, figure) or key not in record.sources:
            yield f"figure_sources: {figure} = {key!r} names no such figure or source"
    for figure in record.estimated:
        if not _has(record, figure, given=True):
            yield f"estimated: {figure!r} is not a figure of this entry"


def _has(record: Record, figure: str, given: bool = False) -> bool:
    """Whether the record has that figure, or part of one (``link.latency_us``); and, if asked, says something of it."""
    base, _, part = figure.partition(".")
    if base not in declared(type(record)):
        return False
    value = getattr(record, base)
    if not part:
        return value is not None or not given
    return part in value if isinstance(value, Mapping) else hasattr(value, part)
