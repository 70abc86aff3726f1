"""``advisor explain``: what bounds each candidate, what each scorer added, why the rest were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output, words
from advisor.cli.model_options import model_options
from advisor.cli.options import QuestionCommand, workload_options
from advisor.cli.question import ask, question_options
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.explanation import Explained, Explanation
    from advisor.ranking.result import Ranking

#: Changes of the winner that are shown of each kind.
TIPPINGS_SHOWN = {"traffic": 2, "price": 4, "weight": 6}


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@output.json_option
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, metavar="N",
              help="Candidates to explain.")  # fmt: skip
@question_options
@model_options
@workload_options
@common_options
@click.pass_obj
def explain(session: Session, /, model: str | None, as_json: bool, limit: int, **params: Any) -> None:
    """Say why hardware is ranked as it is for MODEL; takes the arguments of advisor rank."""
    ranking = ask(session, model, params)
    explanation = ranking.explain(limit)
    if as_json:
        output.print_json(explanation.to_dict())
        return
    paragraph(words.answer(ranking))
    if sure := words.certainty(ranking):
        paragraph(sure)
    _show_tippings(explanation)
    for item in explanation.top:
        click.echo()
        show_explained(ranking, item)
    _show_left_out(explanation, limit)
    session.warn(ranking.warnings)


def show_explained(ranking: Ranking, item: Explained) -> None:
    """One candidate: what bounds it, what each aspect and each scorer's part adds."""
    candidate = item.candidate
    number = f"{candidate.rank}. " if candidate.rank else ""
    paragraph(f"{number}{words.hardware(candidate)} {words.at(candidate)}: {words.recipe(candidate)}")
    for reason in candidate.reasons:
        paragraph(f"   not feasible: {reason}")
    if item.time_shares:
        shares = sorted(item.time_shares.items(), key=lambda share: -share[1])
        text = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares if share >= 0.005)
        paragraph(f"   bound by {candidate.bound}: of a step, {text}")
    if item.contributions:
        table = Table([Column("aspect"), Column("value", "right"), Column("weight", "right"),
                       Column("loss", "right"), Column("adds", "right")], indent=3)  # fmt: skip
        values = {m.objective.aspect: format_quantity(m.at(candidate.row)[0], m.objective.unit)
                  for m in ranking.measured if m.objective.aspect}  # fmt: skip
        for aspect, (loss, weight, added) in sorted(item.contributions.items(), key=lambda entry: -entry[1][2]):
            table.add(aspect, values.get(aspect, "-"), f"{weight:.2f}", f"{loss:.2f}", f"{added:.3f}")
        table.show()
    for name, parts in item.scorer_parts.items():
        unit = next(m.objective.unit for m in ranking.measured if m.objective.name == name)
        listed = ", ".join(f"{words.heading(part)} {format_quantity(value, unit)}" for part, value in parts.items())
        paragraph(f"   {words.heading(name)}: {listed}", indent="      ")


def _show_tippings(explanation: Explanation) -> None:
    if explanation.tippings:
        click.echo("\nWhat would change the winner, all else equal, the nearest change first:")
        left = dict(TIPPINGS_SHOWN)
        for tipping in explanation.tippings:
            left[tipping.kind] -= 1
            if left[tipping.kind] >= 0:
                paragraph(f"  {words.tipping(tipping)}", indent="    ")


def _show_left_out(explanation: Explanation, limit: int) -> None:
    ranking = explanation.ranking
    groups = {
        "Limits and rules that candidates break": explanation.broken_rules,
        "Left out before they were scored": explanation.left_out,
    }
    for title, counts in groups.items():
        if counts:
            click.echo(f"\n{title}:")
            for reason, count in counts.items():
                paragraph(f"  {reason} ({count:,} candidates)", indent="    ")
    missed = words.left_out_lines(ranking, max(limit, 5))
    if missed and explanation.top and explanation.top[0].candidate.feasible:
        click.echo("\nDevices without a feasible candidate, the nearest miss of each:")
        for line in missed:
            paragraph(f"  {line}", indent="    ")
    if explanation.relaxations:
        click.echo("\nWhat would make it feasible:")
        for line in explanation.relaxations:
            paragraph(f"  {line}")
