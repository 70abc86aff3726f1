"""``advisor energy``: power, energy, carbon and water of one candidate, in full."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from advisor.cli import output, words
from advisor.cli.model_options import model_options
from advisor.cli.options import QuestionCommand, workload_options
from advisor.cli.question import ask_of_one, on_option, owned_options
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.ranking.result import Candidate
from advisor.units import format_quantity


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@on_option
@output.json_option
@owned_options
@model_options
@workload_options
@common_options
@click.pass_obj
def energy(
    session: Session, /, model: str | None, on: str, as_json: bool, owned: Path | None, also_rent: bool, **params: Any
) -> None:
    """Show power, energy, carbon and water of MODEL on one system, where it is cleaner, and what a power cap costs.

    \b
    advisor energy llama-3.1-8b --on 1xh100-sxm --request-rate 4
    advisor energy llama-3.1-8b --on 8xh100-sxm --task finetune --tokens 1B --flexible 8h --region us
    """
    from advisor_energy.breakdown import breakdown

    candidate = ask_of_one(session, model, on, params, owned, also_rent, "to show")
    answer = breakdown(candidate, candidate.ranking.registry)
    if as_json:
        output.print_json({**answer, "warnings": candidate.ranking.warnings})
        return
    show(candidate, answer)
    session.warn(candidate.ranking.warnings)


def show(candidate: Candidate, answer: Mapping[str, Any]) -> None:
    """Print everything of ``breakdown``."""
    context = candidate.ranking.context
    paragraph(f"{context.model.name}, {context.workload.task}, on {words.hardware(candidate)} {words.at(candidate)}, "
              f"{words.recipe(candidate)}")  # fmt: skip
    for reason in candidate.reasons:
        paragraph(f"not feasible: {reason}")
    _figures("power", answer["power"])
    _figures("energy and carbon", answer["figures"])
    _figures(f"carbon of a {answer['period']}", answer["carbon"])
    _figures(f"water of a {answer['period']}", answer["water"])
    _waiting(answer["waiting"])
    _places(answer)
    table = Table([Column("power cap", "right", 10), Column("power of a unit", "right", 9), Column("speed", "right", 9),
                   Column("energy of the work", "right", 8)])  # fmt: skip
    for row in answer["caps"]:
        table.add(f"{row['cap_percent']} %", format_quantity(row["power_w"], "W"), f"{100 * row['speed_share']:.0f} %",
                  f"{100 * row['energy_share']:.0f} %")  # fmt: skip
    click.echo()
    table.show()
    for name, entry in answer["place"].items():
        paragraph(f"{words.heading(name)} {entry['value']:g}{' ' + entry['name'] if 'name' in entry else ''}: "
                  f"{entry['source']}", indent="  ")  # fmt: skip


def _figures(title: str, figures: Mapping[str, Any]) -> None:
    table = Table([Column(title, keep=10), Column("value", "right", 9), Column("80 % interval", "right", 8)])
    for name, figure in figures.items():
        value, low, high = (format_quantity(figure[end], figure["unit"]) for end in ("value", "low", "high"))
        table.add(words.heading(name), value, "" if low == high else f"{low} – {high}")
    click.echo()
    table.show()


def _waiting(found: Mapping[str, Any] | None) -> None:
    if found is None:
        return
    click.echo()
    if not found["grid_day_known"]:
        paragraph("waiting: nothing is known of how this grid runs over the day, so no hours are picked")
        return
    paragraph(f"waiting: {100 * (1 - found['share']):.1f} % less operational carbon than at the grid's mean")
    for start, chosen in found["hours_utc_by_submission"].items():
        paragraph(f"  submitted at {start} UTC: runs in the hours {', '.join(f'{hour:02d}' for hour in chosen)}")


def _places(answer: Mapping[str, Any]) -> None:
    if len(answer["places"]) < 2:
        return
    table = Table([Column("the same system elsewhere", keep=10), Column("grid", keep=7),
                   Column("location-based", "right", 9), Column("market-based", "right", 8),
                   Column("price", "right", 7)])  # fmt: skip
    for row in answer["places"]:
        price = row["price_usd_per_hour"]
        table.add(f"{row['provider']} {row['region']}", row["grid"],
                  format_quantity(row["operational, location-based"], "g"),
                  format_quantity(row["operational, market-based"], "g"),
                  format_quantity(price, "USD/h") if price is not None else "-")  # fmt: skip
    click.echo()
    table.show()
