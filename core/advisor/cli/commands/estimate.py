"""``advisor estimate``: one candidate in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output, words
from advisor.cli.model_options import model_options, open_model, take_model_options
from advisor.cli.options import QuestionCommand, job, workload_options
from advisor.cli.progress import progress
from advisor.cli.question import export_options, export_text, on_option, owned_options, refuse_stray_export
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.errors import InputError
from advisor.traffic import service_levels
from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Ranking

SCHEMA = {"name": "advisor.estimate", "version": 1}


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@on_option
@output.json_option
@output.csv_option
@export_options
@owned_options
@model_options
@workload_options
@common_options
@click.pass_obj
def estimate(
    session: Session, /, model: str | None, on: str, as_json: bool, as_csv: bool, export: str | None,
    output_file: Path | None, force: bool, owned: Path | None, also_rent: bool, **params: Any,
) -> None:  # fmt: skip
    """Estimate MODEL on one system: the best recipe there, or the one pinned with --technique.

    \b
    advisor estimate mixtral-8x7b --on 4xa100-80gb --input-tokens 2048
    advisor estimate mixtral-8x7b --on 8xh100 --technique fp8,tensor_parallel=4
    """
    output.refuse_both(as_json, as_csv)
    refuse_stray_export(export, output_file, as_json, as_csv)
    options = take_model_options(params)
    workload = job(params)
    advisor = session.advisor(owned, also_rent)
    with progress("Estimating"):
        ranking = advisor.estimate(open_model(advisor.registry, model, options), on, workload)
    candidate = ranking.best or next(iter(ranking.infeasible), None)
    if candidate is None:
        reasons = sorted(ranking.context.left_out.items(), key=lambda item: -item[1])
        why = "; ".join(reason for reason, _ in reasons[:3]) or "; ".join(ranking.warnings) or "no recipe applies"
        raise InputError(f"{on}: nothing to estimate: {why}")
    if export:
        export_text(ranking, export, output_file, force)
    elif as_json:
        output.print_json(to_dict(ranking, candidate))
        return
    elif as_csv:
        output.print_csv([output.flat(candidate.to_dict())])
    else:
        show(ranking, candidate)
    session.warn(ranking.warnings)


def to_dict(ranking: Ranking, candidate: Candidate) -> dict[str, Any]:
    """For JSON, as ``docs/json.md`` describes."""
    whole = ranking.to_dict(limit=1)
    explained = ranking.explain(1).candidates_dict()[0]
    kept = ("model", "workload", "weights", "evaluated", "feasible", "left_out", "warnings")
    more = {name: explained[name] for name in ("contributions", "time_shares", "scorer_parts")}
    met = candidate.under_load
    if met is not None:
        more["under_load"] = met.to_dict()
    return {"schema": SCHEMA, **{name: whole[name] for name in kept}, "candidate": {**candidate.to_dict(), **more}}


def show(ranking: Ranking, candidate: Candidate) -> None:
    """Print everything that is known of one candidate."""
    workload, model = ranking.context.workload, ranking.context.model
    system = f"{candidate.system_count} x {candidate.system.name or candidate.system.id}"
    paragraph(f"{model.name} ({format_quantity(model.parameters, '')} parameters), {workload.task}, on "
              f"{words.hardware(candidate)} ({system}) {words.at(candidate)}")  # fmt: skip
    paragraph(f"recipe: {words.recipe(candidate)} (best of {ranking.evaluated:,} evaluated)")
    if candidate.recipe:
        paragraph("  " + ", ".join(f"{words.heading(slot)}: {label}" for slot, label in candidate.recipe.items()))
    if candidate.frameworks:
        paragraph("  frameworks: " + ", ".join(candidate.frameworks))
    degrees = {name: value for name, value in candidate.layout.items() if value > 1 or name.endswith("batch")}
    paragraph("  " + ", ".join(f"{words.heading(name)} {value}" for name, value in degrees.items()))
    for reason in candidate.reasons:
        paragraph(f"not feasible: {reason}")
    _figures("estimate", candidate.estimates)
    _under_load(candidate)
    _parts("memory of one device", candidate, "memory", candidate.device.memory_gib * 2**30)
    if candidate.estimated:
        _parts("one step", candidate, "time", None)
        _figures("objective", {name: figure for name, figure in candidate.objectives.items()
                               if name not in candidate.estimates})  # fmt: skip


def _figures(title: str, figures: dict[str, Any]) -> None:
    known = {name: figure for name, figure in figures.items() if figure.value == figure.value}
    if not known:
        return
    click.echo()
    table = Table([Column(title, keep=10), Column("value", "right", 9), Column("80 % interval", "right", 8)])
    for name, figure in known.items():
        table.add(words.title(name, figure.unit), str(figure), words.interval(figure))
    table.show()


def _under_load(candidate: Candidate) -> None:
    """What requests meet at the rate, and how many a unit bears."""
    met = candidate.under_load
    if met is None:
        return
    click.echo()
    names = list(next(iter(met.percentiles.values())))
    table = Table([Column("of all requests", keep=10), *(Column(words.heading(name), "right", 9) for name in names)])
    for share, figures in met.percentiles.items():
        table.add(f"{share} % stay below", *(str(figures[name]) for name in names))
    table.show()
    limited = service_levels(candidate.ranking.context)
    within = "within the limits" if limited else "with a fifth of its capacity to spare"
    most = f"{format_quantity(met.largest_rate, '')} a second" if met.largest_rate else "none"
    paragraph(f"A unit gets {format_quantity(met.rate, '')} requests a second, {100 * met.load:.0f} % of its capacity; "
              f"{within} it bears {most}.")  # fmt: skip


def _parts(title: str, candidate: Candidate, group: str, whole: float | None) -> None:
    parts = {name: figure for name, figure in candidate.parts(group).items() if figure.value > 0}
    total = whole or sum(figure.value for figure in parts.values())
    if not parts or not total:
        return
    click.echo()
    table = Table([Column(title, keep=10), Column("value", "right", 9), Column("share", "right", 8)])
    for name, figure in parts.items():
        table.add(words.heading(name), str(figure), f"{100 * figure.value / total:.1f} %")
    table.show()
