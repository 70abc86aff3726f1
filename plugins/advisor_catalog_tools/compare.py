"""``advisor catalog compare``: the catalog's figures beside those of independent compilations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output
from advisor.cli.session import common_options
from advisor.cli.tables import Column, Table, clean

if TYPE_CHECKING:
    from advisor_catalogs.compare import Comparison

PROBLEMS_FOUND = 1
MOST_ROWS = 12


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Show every disagreement, not only how many there are by reason.")
@click.option("--entry", metavar="ID", help="Show all that others have published of one entry.")
@output.json_option
@common_options
def compare(file: Path | None, every: bool, entry: str | None, as_json: bool, **_: Any) -> None:
    """Set the catalog's figures beside independent compilations.

    What others have published of the devices, systems and models, apart from the documents that the entries cite. Each
    disagreement has a reason; the exit code is 1 if one has none. With FILE, a CSV of your own with the columns entry,
    figure, value and source, its disagreements are shown.

    \b
    advisor catalog compare
    advisor catalog compare --entry nvidia-h100-sxm-80gb
    advisor catalog compare data-sheets.csv
    """
    from advisor_catalogs.compare import comparison_files, comparison_problems, comparisons, read_reasons

    records = _records()
    document = read_reasons()
    files = [file] if file else comparison_files()
    found = [one for each in files for one in comparisons(records, each)]
    known = [one for one in found if one.ours is not None]
    if entry:
        from advisor.errors import InputError

        known = [one for one in known if one.entry == entry]
        if not known:
            raise InputError(f"catalog compare: no comparison of {entry!r}; expected an id, as devices list shows it")
    problems = [] if file else list(comparison_problems(known, document))
    if as_json:
        output.print_json({
            "schema": output.schema("catalog_compare"), "figures": len(known), "entries": len({o.entry for o in known}),
            "differ": sum(one.differs for one in known), "not_in_catalog": len(found) - len(known) if not entry else 0,
            "problems": problems,
            "comparisons": [_plain(one) for one in known if every or entry or one.differs],
        })  # fmt: skip
    else:
        _show(known, document, problems, entry is not None, every or file is not None)
    if problems:
        click.get_current_context().exit(PROBLEMS_FOUND)


def _records() -> dict[str, Any]:
    from advisor_catalogs.loading import load_devices, load_systems
    from advisor_catalogs.model_entries import load_models

    records: dict[str, Any] = {record.id: record for record in (*load_systems(), *load_devices())}
    return {**records, **{entry.id: entry.document for entry in load_models()}}


def _plain(one: Comparison) -> dict[str, Any]:
    ours = one.ours if isinstance(one.ours, (int, float, str)) else str(one.ours)
    return {"entry": one.entry, "figure": one.figure, "catalog": ours, "published": one.theirs, "source": one.source,
            "name": one.name, "differs": one.differs, "reason": one.reason}  # fmt: skip


def _show(
    known: Sequence[Comparison], document: Mapping[str, Any], problems: list[str], one_entry: bool, every: bool
) -> None:
    if one_entry or every:
        _show_rows([one for one in known if one.differs or one_entry], document)
    else:
        _show_counts(known, document)
    for line in problems:
        click.echo(clean(line))
    differ = sum(one.differs for one in known)
    reasons = "" if any(one.differs and not one.reason for one in known) or not differ else ", each with a reason"
    entries = len({one.entry for one in known})
    click.echo(f"{len(known):,} figures of {entries} entries compared; {differ} differ{reasons}")


def _show_rows(rows: Sequence[Comparison], document: Mapping[str, Any]) -> None:
    table = Table([Column("entry", keep=10), Column("figure", keep=10), Column("catalog", "right", 6),
                   Column("published", "right", 6), Column("source", keep=7), Column("reason", keep=8)])  # fmt: skip
    for one in rows:
        table.add(one.entry, one.figure, _number(one.ours), one.theirs, one.source, one.reason)
    table.show()
    for reason in dict.fromkeys(one.reason for one in rows if one.reason):
        click.echo(clean(f"{reason}: {document['reasons'].get(reason, '')}"))


def _show_counts(known: Sequence[Comparison], document: Mapping[str, Any]) -> None:
    compared = Counter(one.source for one in known)
    differing = Counter(one.source for one in known if one.differs)
    table = Table([Column("source", keep=9), Column("compared", "right", 8), Column("differ", "right", 6),
                   Column("what", keep=5, narrow=40)])  # fmt: skip
    for source, count in compared.most_common():
        table.add(source, count, differing[source], document["sources"].get(source, {}).get("title", ""))
    table.show()
    click.echo()
    reasons = Counter(one.reason for one in known if one.differs)
    table = Table([Column("differ because", keep=9), Column("count", "right", 5),
                   Column("what it means", keep=5, narrow=40)])  # fmt: skip
    for reason, count in reasons.most_common():
        table.add(reason or "(no reason)", count, document["reasons"].get(reason, ""))
    table.show()


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
