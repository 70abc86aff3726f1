"""The ranking as a table for people."""

from __future__ import annotations

import re

import click

from advisor.cli import words
from advisor.cli.tables import Column, Table, paragraph
from advisor.ranking.result import Candidate, Ranking
from advisor.units import format_quantity

MISSES_SHOWN = 5
_UNIT = re.compile(r"[ /].*$")


def show_ranking(ranking: Ranking, shown: list[Candidate]) -> None:
    """Print the title, the table, the answer, and what is not feasible."""
    workload, model = ranking.context.workload, ranking.context.model
    paragraph(f"{model.name} ({format_quantity(model.parameters, '')} parameters), {workload.task}: "
              f"{ranking.feasible_evaluated:,} of {ranking.evaluated:,} candidates feasible, "
              f"{len(ranking):,} alternative{'s' if len(ranking) != 1 else ''}")  # fmt: skip
    if shown:
        click.echo()
        table, same = ranking_table(ranking, shown)
        table.show()
        if same:
            paragraph("In all: " + ", ".join(f"{name} {value}" for name, value in same.items()))
        if any(number.endswith("=") for number in words.numbers(shown)):
            paragraph("=: the estimates cannot tell it from the nearest line above without =")
        if any(candidate.alike for candidate in shown):
            paragraph("+N: so many more have the same, nearly as good (--all shows them)")
    click.echo()
    paragraph(words.answer(ranking))
    for line in filter(None, (words.certainty(ranking), words.enough(ranking))):
        paragraph(line)
    excluded = ranking.excluded_best
    if excluded is not None:
        paragraph(f"Before it, but for a limit: {words.hardware(excluded)} {words.at(excluded)}, "
                  f"{words.recipe(excluded)}: {'; '.join(excluded.reasons)}")  # fmt: skip
    if ranking.best is None:
        from advisor.ranking.relaxations import relaxations

        for line in relaxations(ranking):
            paragraph(f"  {line}")
    missed = words.left_out_lines(ranking, MISSES_SHOWN)
    if missed:
        click.echo("\nNot feasible:")
        for line in missed:
            paragraph(f"  {line}", indent="    ")
    elif ranking.best is None:
        for reason, count in sorted(ranking.context.left_out.items(), key=lambda item: -item[1])[:MISSES_SHOWN]:
            paragraph(f"  {reason} ({count:,} candidates)")
        if not ranking.context.left_out:
            paragraph("  no hardware on offer passes the filters")


def ranking_table(ranking: Ranking, shown: list[Candidate]) -> tuple[Table, dict[str, str]]:
    """The table, and the columns that say the same in every row, which are left out of it."""
    columns = {
        "#": (Column("#", "right", 10), words.numbers(shown)),
        "hardware": (Column("hardware", keep=10, narrow=14), [words.hardware(c, short=True) for c in shown]),
        "where": (Column("where", keep=8, narrow=14), [words.place_and_others(c) for c in shown]),
        "recipe": (Column("recipe", keep=9, narrow=14), [words.recipe(c) for c in shown]),
    }
    for title, name, scale in words.main_estimates(ranking):
        texts = [words.estimate_text(c, name, scale) for c in shown]
        if set(texts) == {"-"}:
            continue  # the run has no end
        keep = 7 if not title.startswith("TPOT") else 6
        columns[title] = (Column(title, "right", keep), texts)
    columns["mem"] = (Column("mem", "right", 2), [words.memory_share(c) for c in shown])
    objectives = [item for item in ranking.measured if item.objective.aspect and
                  (item.scorer or item.objective.aspect == "quality")]  # fmt: skip
    for item in objectives:
        weight = ranking.weights.get(item.objective.aspect, 0.0)
        texts = [format_quantity(item.value_at(c.row), item.objective.unit) for c in shown]
        unit = _shared_unit(texts)
        title = f"{item.objective.aspect} {unit}" if unit else words.title(item.objective.name, item.objective.unit)
        texts = [text.removesuffix(unit).strip() if unit else text for text in texts]
        columns[title] = (Column(title, "right", 8 if weight >= 0.3 else 5 if weight > 0.05 else 3), texts)
    if any(words.may_break_limits(c) for c in shown):
        within = [f"{100 * c.certainty.keeps_limits:.0f}%" if c.certainty else "-" for c in shown]
        columns["in limits"] = (Column("in limits", "right", 6), within)
    if any(c.certainty for c in shown):
        chances = [f"{100 * c.certainty.best:.0f}%" if c.certainty else "-" for c in shown]
        columns["best"] = (Column("best", "right", 6), chances)
    columns["bound by"] = (Column("bound by", keep=1), [c.bound for c in shown])
    same = words.constant({name: texts for name, (_, texts) in columns.items() if name not in ("#", "hardware")})
    kept = {name: column for name, column in columns.items() if name not in same}
    table = Table([column for column, _ in kept.values()])
    for row in zip(*(texts for _, texts in kept.values()), strict=True):
        table.add(*row)
    return table, same


def _shared_unit(texts: list[str]) -> str:
    """The unit that ends every text, to go into the heading once."""
    units = {match.group() if (match := _UNIT.search(text)) else "" for text in texts}
    return units.pop().strip() if len(units) == 1 else ""
