"""The command ``advisor layouts``: every legal parallel layout of one training job on one system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from advisor.cli import output, words
from advisor.cli.model_options import model_options, open_model, take_model_options
from advisor.cli.options import PREFIX, QuestionCommand, job, workload_options
from advisor.cli.progress import progress
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.errors import InputError
from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.candidates import Array
    from advisor.ranking.result import Candidate, Ranking

#: Degrees as a layout option spells them.
COLUMNS = {
    "tp": "tensor_parallel", "pp": "pipeline_parallel", "vp": "virtual_stages", "cp": "context_parallel",
    "ep": "expert_parallel", "dp": "data_parallel", "micro": "micro_batch", "zero": "shard_stage",
}  # fmt: skip
ALWAYS = ("tp", "pp", "dp", "micro")
RECOMPUTE = ("none", "selective", "full")


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@click.option("--on", required=True, metavar="SYSTEM", help="COUNTxDEVICE such as 512xh100, a device, or a system.")
@click.option("--limit", type=click.IntRange(min=0), default=10, show_default=True, metavar="N",
              help="Layouts to show; 0 for all.")  # fmt: skip
@output.json_option
@output.csv_option
@model_options
@workload_options
@common_options
@click.pass_obj
def layouts(
    session: Session, /, model: str | None, on: str, limit: int, as_json: bool, as_csv: bool, **params: Any
) -> None:
    """Search every legal parallel layout of MODEL's training on one system, fastest first.

    \b
    advisor layouts meta-llama/Llama-3.1-405B --on 2048xdgx-h100 --batch-size 2048 --seq-len 8192
    advisor layouts mixtral-8x7b --on 64xh100 --technique tp=4
    """
    output.refuse_both(as_json, as_csv)
    options = take_model_options(params)
    more: dict[str, Any] = {} if params.get(f"{PREFIX}task") else {"task": "train"}
    workload = job(params, **more, **({} if params.get(f"{PREFIX}layout") else {"layout": ("all",)}))
    if not workload.trains:
        raise InputError("--task: layouts are searched for train or finetune")
    advisor = session.advisor()
    with progress("Searching layouts"):
        ranking = advisor.estimate(open_model(advisor.registry, model, options), on, workload)
    found = fastest(ranking, limit or None)
    if not found:
        reasons = sorted(ranking.context.left_out.items(), key=lambda item: -item[1])
        raise InputError(f"{on}: no layout: {'; '.join(reason for reason, _ in reasons[:3]) or 'no legal one'}")
    if as_json:
        output.print_json({"schema": output.schema("layouts"), "legal": legal(ranking), "fit": fit(ranking),
                           "layouts": [record(candidate) for candidate in found]})  # fmt: skip
    elif as_csv:
        output.print_csv([output.flat(record(candidate)) for candidate in found])
    else:
        show(ranking, found)
    session.warn(ranking.warnings)


def fit(ranking: Ranking) -> int:
    """Layouts that fit in memory, each counted once however many offers there are."""
    return len(np.unique(_identity(ranking)))


def legal(ranking: Ranking) -> int:
    """Layouts that break no rule, whether they fit or not."""
    return fit(ranking) + ranking.context.left_out.get("does not fit in memory", 0)


def _identity(ranking: Ranking) -> Array:
    """A number a layout: rows that differ by their offer alone share it."""
    rows = ranking.rows
    names = [name for name in rows.names if name.startswith("choice.")] + ["micro_batch"]
    answer = np.zeros(len(rows), dtype=np.int64)
    for name in names:
        _, codes = np.unique(rows[name], return_inverse=True)
        answer = answer * (int(codes.max(initial=0)) + 1) + codes
    return answer


def fastest(ranking: Ranking, limit: int | None) -> list[Candidate]:
    """The layouts with most samples a second; of rows that differ by offer the one that ranks first."""
    from advisor.ranking.result import Candidate

    if not len(ranking.rows):
        return []
    _, first = np.unique(_identity(ranking), return_index=True)
    speed = ranking.rows["samples_per_s"][first]
    order = first[np.lexsort((first, -speed))][:limit]
    count = ranking.feasible_count
    return [Candidate(ranking, int(row), int(row) + 1 if row < count else None, ranking.rows) for row in order]


def record(candidate: Candidate) -> dict[str, Any]:
    """For JSON, as ``docs/json.md`` describes."""
    rows, row = candidate.table, candidate.row
    degrees: dict[str, Any] = {short: int(rows.value(name, row)) for short, name in COLUMNS.items()}
    degrees["recompute"] = RECOMPUTE[int(rows.value("recompute", row))]
    whole = candidate.to_dict()
    return {
        "layout": degrees, "recipe": candidate.recipe, "feasible": candidate.feasible,
        "tokens_per_s_per_device": tokens_per_device(candidate), "estimates": whole["estimates"],
        "memory_parts": whole["memory_parts"], "time_parts": whole["time_parts"],
    }  # fmt: skip


def tokens_per_device(candidate: Candidate) -> float:
    """Tokens (samples of a model without a sequence axis) a second and device."""
    return candidate.column("samples_per_s") * candidate.column("sequence_length") / candidate.device_count


def show(ranking: Ranking, found: list[Candidate]) -> None:
    """Print the fastest layouts, one a line."""
    context, first = ranking.context, found[0]
    paragraph(f"{context.model.name} ({format_quantity(context.model.parameters, '')} parameters), "
              f"{context.workload.task}, on {words.hardware(first)}, {int(first.column('global_batch')):,} samples a "
              f"step: {legal(ranking):,} legal layouts, {fit(ranking):,} fit in memory")  # fmt: skip
    click.echo()
    records = [record(candidate) for candidate in found]
    degrees = [name for name in (*COLUMNS, "recompute")
               if name in ALWAYS or {row["layout"][name] for row in records} - {0, 1, "none"}]  # fmt: skip
    unit = "tok" if context.model.unit == "token" else "samples"
    table = Table([*(Column(name, "right", 9) for name in degrees), Column("also", keep=8), Column("step", "right", 10),
                   Column(f"{unit}/s/device", "right", 8), Column("mem", "right", 7),
                   Column("bound", keep=3)])  # fmt: skip
    for candidate, row in zip(found, records, strict=True):
        known = {*COLUMNS.values(), "recompute", "zero1", "zero2", "zero3"}
        also = [label for label in candidate.recipe.values() if label.partition("=")[0] not in known]
        figures = (format_quantity(candidate.column("step_time"), "s"),
                   format_quantity(row["tokens_per_s_per_device"], ""), words.memory_share(candidate))  # fmt: skip
        table.add(*(row["layout"][name] for name in degrees), ", ".join(also), *figures, candidate.bound)
    table.without_empty().show()
