"""The command ``advisor catalog`` and what is under it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from advisor.cli import output
from advisor.cli.later import LaterCommand
from advisor.cli.session import Session, common_options, own_catalog
from advisor.cli.tables import Column, Table, clean
from advisor.errors import InputError

#: Kinds that ``schema`` knows, as ``advisor_catalogs.schemas.SCHEMA_KINDS``, which is costly to import for ``--help``.
KINDS = ("device", "system", "offer", "grid", "provider", "policy", "facility", "charge", "currency", "token_price",
         "grid_day", "region", "country", "model", "physics")  # fmt: skip
PROBLEMS_FOUND = 1
MOST_ROWS = 12


@click.group()
@common_options
def catalog() -> None:
    """Check, count and describe the catalogs."""


@catalog.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--date", "today", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
              help="Day from which the age of prices counts; today unless given.")  # fmt: skip
@output.json_option
@common_options
def check(folder: Path | None, today: datetime | None, as_json: bool, **_: Any) -> None:
    """Print each problem of the catalogs, one a line.

    Checks every file of the built-in catalogs, or of FOLDER; the exit code is 1 if there is a problem. What is checked:
    schema, names used twice, references, sources of every figure, ranges and units, physics (peak rate against units
    and clock, memory rate against width, a grid's hours against its mean), prices, and the age of all that ages.

    \b
    advisor catalog check
    advisor catalog check my-catalog --json
    """
    from advisor_catalogs.check import CHECKS, problems_by_check
    from advisor_catalogs.own import refuse_no_catalog

    if folder is not None:
        refuse_no_catalog(folder)
    problems = problems_by_check(folder, today.date() if today else None)
    count = sum(map(len, problems.values()))
    if as_json:
        output.print_json({
            "schema": output.schema("catalog_check"),
            "folder": None if folder is None else str(folder),
            "problems": [{"check": name, "text": line} for name, lines in problems.items() for line in lines],
            "checks": [{"name": name, "doc": doc, "problems": len(problems[name])} for name, doc in CHECKS.items()],
        })  # fmt: skip
    else:
        for lines in problems.values():
            for line in lines:
                click.echo(clean(line))
        if count == 0:
            click.echo(f"no problem found; checked {', '.join(CHECKS)}")
    if count:
        click.get_current_context().exit(PROBLEMS_FOUND)


@catalog.command()
@click.option("--all", "every", is_flag=True, help=f"Show every row of a count, not only the first {MOST_ROWS}.")
@output.json_option
@common_options
def stats(every: bool, as_json: bool, **_: Any) -> None:
    """Count what the built-in catalogs hold.

    By kind, vendor, provider, region, country, term and year.
    """
    from advisor_catalogs.counts import catalog_counts

    counts = catalog_counts()
    if as_json:
        output.print_json({"schema": output.schema("catalog_stats"), "counts": counts})
        return
    for number, (title, rows) in enumerate(counts.items()):
        if number:
            click.echo()
        _table(title, rows, len(rows) if every or number == 0 else MOST_ROWS).show()


def _table(title: str, rows: dict[str, int], most: int) -> Table:
    table = Table([Column(title, keep=10), Column("count", "right", 9)])
    shown = list(rows.items())[:most]
    for name, count in shown:
        table.add(name, count)
    if len(rows) > most:
        table.add(f"{len(rows) - most} more (--all)", sum(rows.values()) - sum(count for _, count in shown))
    return table


@catalog.command()
@click.argument("kind", type=click.Choice(KINDS))
@common_options
def schema(kind: str, **_: Any) -> None:
    """Print the JSON schema of a catalog file.

    For an editor that checks while one writes. Offers, prices by the token and grids' days are CSV: of one row.

    \b
    advisor catalog schema device > device.schema.json
    """
    from advisor_catalogs.schemas import file_schema

    output.print_json(file_schema(kind))


@catalog.command(short_help="Fetch fresh prices of cloud providers into a catalog folder.")
@click.option("--provider", "providers", multiple=True, metavar="NAME,...", help="Providers to ask; all unless given.")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR",
              help="Catalog folder to write to; unless given that of the configuration, which is always read.")
@output.json_option
@common_options
@click.pass_obj
def update(session: Session, providers: tuple[str, ...], into: Path | None, as_json: bool, **_: Any) -> None:
    """Fetch fresh prices of cloud providers into a catalog folder of one's own.

    Needs the extra prices (gpuhunt) and a network; nothing else of the advisor uses either.

    \b
    advisor catalog update
    advisor catalog update --provider runpod,verda --into my-catalog
    """
    from datetime import date

    from advisor_catalog_tools import update as prices
    from advisor_catalogs.documents import catalog_root
    from advisor_catalogs.loading import load_devices, load_offers
    from advisor_catalogs.providers import read_regions

    wanted = [name.strip() for text in providers for name in text.split(",") if name.strip()]
    items = prices.fetch(wanted)
    found = prices.converted(items, load_devices(), load_offers(), read_regions(catalog_root()), prices.version(),
                             date.today())  # fmt: skip
    if not found.rows:
        raise InputError(f"catalog update: none of {len(items)} prices is of a device and region of the catalog")
    folder = into or own_catalog()
    files = prices.write(found, folder)
    load_offers(folder)  # what was written must be readable
    count = sum(map(len, found.rows.values()))
    if as_json:
        output.print_json({"schema": output.schema("catalog_update"), "offers": count, "files": list(map(str, files)),
                           "passed_over": found.passed_over})  # fmt: skip
        return
    for file in files:
        click.echo(f"wrote {file}")
    click.echo(f"{count} offers of {len(found.rows)} providers; {sum(found.passed_over.values())} passed over")
    for reason, number in sorted(found.passed_over.items(), key=lambda item: -item[1])[:MOST_ROWS]:
        click.echo(clean(f"  {number}: {reason}"))
    if into is not None:
        click.echo(f"use them with --catalog {into}")


catalog.add_command(LaterCommand("compare", "advisor_catalog_tools.compare:compare",
                                 "Set the catalog's figures beside independent compilations."))  # fmt: skip
