"""The command ``advisor optimize``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from advisor.cli import output, words
from advisor.cli.model_options import model_options, open_model, take_model_options
from advisor.cli.options import QuestionCommand, job, workload_options
from advisor.cli.progress import progress
from advisor.cli.question import on_option
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.errors import InputError
from advisor.units import format_quantity
from advisor_optimize.how import how
from advisor_optimize.small import Elsewhere, busy_share, elsewhere
from advisor_optimize.steps import Plan, Search, Step

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Figure


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@on_option
@output.json_option
@model_options
@workload_options
@common_options
@click.pass_obj
def optimize(session: Session, /, model: str | None, on: str, as_json: bool, **params: Any) -> None:
    """Find the steps that pay best for MODEL on one system, starting from the plain model.

    \b
    advisor optimize meta-llama/Llama-3.1-8B --on l4
    advisor optimize meta-llama/Llama-3.1-8B --on h100 --min-quality 0.98 --optimize latency
    advisor optimize model.h5 --on l4 --task train --rows 60000 --epochs 10
    """
    options = take_model_options(params)
    workload = job(params)
    advisor = session.advisor()
    with progress("Searching steps"):
        loaded = open_model(advisor.registry, model, options)
        plan = Search(advisor, loaded, on, workload).run()
        if plan is None:
            raise InputError(f"{on}: the plain model cannot be estimated there (advisor estimate says why)")
        idle = busy_share(plan.last)
        other = elsewhere(advisor, loaded, workload, plan.last) if idle is not None else None
    docs = {technique.name: technique.doc for technique in advisor.registry.techniques}
    if as_json:
        output.print_json({"schema": output.schema("optimize"), **to_dict(plan, docs, idle, other),
                           "warnings": plan.last.ranking.warnings})  # fmt: skip
        return
    show(plan, docs)
    if idle is not None:
        _say_too_small(plan.last, idle, other)
    session.warn(plan.last.ranking.warnings)


def figures(candidate: Candidate) -> dict[str, Figure]:
    """What a step changes: times, throughput, memory, and what scorers count, quality last."""
    task = [name for _, name, _ in words.main_estimates(candidate.ranking)]
    names = dict.fromkeys([*task, "memory"])
    known = {**candidate.estimates, **candidate.objectives}
    judged = [item.objective.name for item in candidate.ranking.measured if item.objective.aspect and item.scorer]
    return {name: known[name] for name in (*names, *judged, "quality") if name in known}


def to_dict(
    plan: Plan, docs: dict[str, str], idle: float | None, other: Elsewhere | None
) -> dict[str, Any]:  # fmt: skip
    """For JSON, as ``docs/json.md`` describes."""
    last = plan.last
    steps = []
    for step in plan.steps:
        framework, command, source = _how(step, docs)
        steps.append({"step": step.label, "slot": step.slot, "pays": round(step.pays, 4), "framework": framework,
                      "how": command, "source": source, **_state(step.candidate)})  # fmt: skip
    answer: dict[str, Any] = {
        "model": last.model_name, "device": last.device.id, "device_count": last.device_count,
        "start": _state(plan.start), "steps": steps, "too_small": idle is not None,
    }  # fmt: skip
    if idle is not None:
        answer["launch_share"] = round(idle, 4)
        answer["elsewhere"] = None if other is None else other.to_dict()
    return answer


def _state(candidate: Candidate) -> dict[str, Any]:
    return {"feasible": candidate.feasible, "recipe": candidate.recipe, "batch": candidate.batch,
            "frameworks": candidate.frameworks,
            "figures": {name: figure.to_dict() for name, figure in figures(candidate).items()}}  # fmt: skip


def _how(step: Step, docs: dict[str, str]) -> tuple[str, str, str]:
    candidate = step.candidate
    return how(step.label, candidate.frameworks, candidate.model_name, docs.get(step.label.partition("=")[0], ""))


def show(plan: Plan, docs: dict[str, str]) -> None:
    """Print the plain model, a line a step, and how each is done."""
    start, last = plan.start, plan.last
    model, workload = start.ranking.context.model, start.ranking.context.workload
    paragraph(f"{model.name} ({format_quantity(model.parameters, '')} parameters), {workload.task}, on "
              f"{words.hardware(start)} {words.at(start)}")  # fmt: skip
    for reason in start.reasons:
        paragraph(f"the plain model: {reason}")
    click.echo()
    titles = _titles(last)
    names = [name for name in figures(last) if _changes(plan, name)]
    table = Table([Column("step", keep=10), *(Column(*titles[name]) for name in names)])
    table.add("plain", *(_text(start, name) for name in names))
    before = start
    for number, step in enumerate(plan.steps, start=1):
        table.add(f"{number} {step.label}", *(_change(before, step.candidate, name) for name in names))
        before = step.candidate
    if plan.steps:
        table.add("in all", *(_text(last, name) for name in names))
    table.show()
    if not plan.steps:
        click.echo("\nNo step pays.")
    for number, step in enumerate(plan.steps, start=1):
        framework, command, source = _how(step, docs)
        if number == 1:
            click.echo()
        paragraph(f"{number} {step.label}{f' ({framework})' if framework else ''}: {command}", indent="    ")
        if source:
            paragraph(f"    {source}", indent="    ")
    if last.frameworks and plan.steps:
        paragraph(f"All of it runs in {', '.join(last.frameworks)}.")


def _titles(candidate: Candidate) -> dict[str, tuple[str, Literal["left", "right"], int]]:
    """Heading of each figure, short as in a ranking, and how dear its column is."""
    titles = {name: words.heading(name) for name in figures(candidate)}
    titles |= {name: title for title, name, _ in words.main_estimates(candidate.ranking)}
    titles |= {item.objective.name: item.objective.aspect for item in candidate.ranking.measured
               if item.objective.aspect and item.scorer}  # fmt: skip
    weights = {item.objective.name: candidate.ranking.weights.get(item.objective.aspect, 0.0)
               for item in candidate.ranking.measured}  # fmt: skip
    return {name: (title, "right", 9 if name == "quality" or weights.get(name, 0.0) >= 0.3 else 6)
            for name, title in titles.items()}  # fmt: skip


def _changes(plan: Plan, name: str) -> bool:
    values = [figures(candidate).get(name) for candidate in (plan.start, *(step.candidate for step in plan.steps))]
    return len({figure.value for figure in values if figure is not None}) > 1 or not plan.steps


def _text(candidate: Candidate, name: str) -> str:
    scale = next((scale for _, known, scale in words.main_estimates(candidate.ranking) if known == name), "")
    if scale:
        return words.estimate_text(candidate, name, scale)
    figure = figures(candidate).get(name)
    return "-" if figure is None or figure.value != figure.value else str(figure)


def _change(before: Candidate, after: Candidate, name: str) -> str:
    """``/ 2.1`` or ``x 3``; of the quality the points lost."""
    first, second = figures(before).get(name), figures(after).get(name)
    if first is None or second is None or not first.value or first.value != first.value:
        return _text(after, name)
    if name == "quality":
        lost = 100 * (second.value - first.value)
        return "" if abs(lost) < 0.005 else f"{lost:+.1f} %"
    ratio = second.value / first.value
    if abs(ratio - 1) < 0.005:
        return ""
    return f"x {ratio:.3g}" if ratio > 1 else f"/ {1 / ratio:.3g}"


def _say_too_small(candidate: Candidate, idle: float, other: Elsewhere | None) -> None:
    click.echo()
    paragraph(f"The model is too small for {candidate.device.name} to pay: {100 * idle:.0f} % of a step is spent "
              "launching work and in the host, whatever the device computes.")  # fmt: skip
    if other is not None:
        paragraph(other.sentence())
