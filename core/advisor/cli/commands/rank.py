"""``advisor rank``: the table, and the answer in one sentence."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output
from advisor.cli.model_options import model_options
from advisor.cli.options import QuestionCommand, workload_options
from advisor.cli.question import ask, export_options, export_text, question_options, refuse_stray_export
from advisor.cli.session import Session, common_options

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Ranking


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@output.json_option
@output.csv_option
@click.option("--limit", type=click.IntRange(min=0), default=10, show_default=True, metavar="N",
              help="Candidates to show, and as many that are not feasible; 0 for all.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Show every candidate, not only the best of each hardware.")
@click.option("--front", is_flag=True, help="Show the Pareto front: what nothing beats in every weighted aspect.")
@question_options
@model_options
@export_options
@workload_options
@common_options
@click.pass_obj
def rank(
    session: Session, /, model: str | None, as_json: bool, as_csv: bool, limit: int, everything: bool,
    export: str | None, output_file: Path | None, force: bool, **params: Any,
) -> None:  # fmt: skip
    """Rank all hardware on offer for MODEL: a file, a folder, or a name of the catalog (advisor models list).

    \b
    advisor rank meta-llama/Llama-3.1-8B --request-rate 4 --max-ttft 500ms --region eu
    advisor rank config.json --task finetune --method lora --tokens 100M --budget 500
    advisor rank model.h5 --task train --rows 60000 --epochs 10 --batch-size 32
    """
    output.refuse_both(as_json, as_csv)
    refuse_stray_export(export, output_file, as_json, as_csv)
    front = params["front"]
    ranking = ask(session, model, params)
    if export:
        export_text(ranking, export, output_file, force)
    elif as_json:
        output.print_json(ranking.to_dict(limit or None, everything, front))
        return
    elif as_csv:
        output.print_csv(records(ranking, limit or None, everything, front))
    else:
        from advisor.cli.rank_table import show_ranking

        show_ranking(ranking, chosen(ranking, limit or None, everything, front)[0])
    session.warn(ranking.warnings)


def chosen(
    ranking: Ranking, limit: int | None, everything: bool, front: bool
) -> tuple[list[Candidate], list[Candidate]]:
    """The feasible and the infeasible candidates to show, ``limit`` of each."""
    if front:
        return ranking.front_candidates(everything)[:limit], ranking.infeasible[:limit]
    if not everything:
        return ranking.alternatives[:limit], ranking.infeasible[:limit]
    feasible = list(islice(ranking.everything(), min(limit or ranking.feasible_count, ranking.feasible_count)))
    end = None if limit is None else ranking.feasible_count + limit
    return feasible, list(islice(ranking.everything(), ranking.feasible_count, end))


def records(ranking: Ranking, limit: int | None, everything: bool, front: bool) -> list[dict[str, Any]]:
    """Flat rows for CSV."""
    feasible, infeasible = chosen(ranking, limit, everything, front)
    return [output.flat(candidate.to_dict()) for candidate in (*feasible, *infeasible)]
