"""``advisor validate``: estimates beside measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from advisor.cli import output
from advisor.cli.progress import progress
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph

MOST_GROUPS = 12
HEADINGS = {
    "rows": "rows", "refused": "refused", "median_absolute_percentage_error": "median error",
    "mean_absolute_percentage_error": "mean error", "bias_percent": "bias", "kendall_tau": "tau",
    "inside_interval": "inside", "fits_right": "fits right",
}  # fmt: skip


@click.command()
@click.argument("measurements", type=click.Path(path_type=Path))
@output.json_option
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="OUT",
              help="Write the rows with predicted, low, high, error_percent and reason.")  # fmt: skip
@output.force_option
@common_options
@click.pass_obj
def validate(session: Session, /, measurements: Path, as_json: bool, csv_file: Path | None, force: bool) -> None:
    """Predict each row of MEASUREMENTS, a CSV file in the measurement schema, and sum up the errors."""
    if csv_file is not None and not force:
        output.refuse_existing(csv_file)  # before the work, not after it
    from advisor.validation import validate as predict_rows

    registry = session.registry()
    with progress("Validating") as update:
        validation = predict_rows(registry, measurements, update)
    if csv_file is not None:
        output.write_file(csv_file, output.csv_text(validation.rows), force)
        click.echo(f"wrote {len(validation.rows):,} rows to {csv_file}", err=True)
    if as_json:
        output.print_json(validation.to_dict())
        return
    _show(validation.summary)
    session.warn(validation.warnings)


def _show(summary: dict[str, Any]) -> None:
    """The summary in total and by group, the largest groups first."""
    whole = summary["total"]
    paragraph(f"{whole['rows']:,} rows, {whole['refused']:,} refused. Errors are absolute percentages, bias the mean "
              "signed error; tau is the agreement in order within each model and task; inside is the share of rows in "
              "their 80 % interval.")  # fmt: skip
    groups = [("in total", {"": whole})]
    groups += [(key.replace("_", " "), value) for key, value in summary.items() if key != "total"]
    for title, members in groups:
        _show_group(title, members)


def _show_group(title: str, members: dict[str, dict[str, Any]]) -> None:
    used = [key for key in HEADINGS if any(one.get(key) is not None for one in members.values())]
    table = Table([Column(title, keep=10, narrow=24), *(Column(HEADINGS[key], "right") for key in used)])
    listed = sorted(members.items(), key=lambda item: (-item[1]["rows"], item[0]))
    for name, figures in listed[:MOST_GROUPS]:
        table.add(name or "all", *(_cell(key, figures.get(key)) for key in used))
    click.echo()
    table.show()
    if len(listed) > MOST_GROUPS:
        paragraph(f"and {len(listed) - MOST_GROUPS} more (--json)")


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    if key in ("rows", "refused"):
        return f"{value:,}"
    if key in ("inside_interval", "fits_right"):
        return f"{100 * value:.0f} %"
    return f"{value:.2f}" if key == "kendall_tau" else f"{value:+.1f} %" if key == "bias_percent" else f"{value:.1f} %"
