"""The pipeline, from a question to a ranking, in one direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from advisor.batches import batch_blocks
from advisor.candidates import Array, Candidates
from advisor.columns import COLUMNS, Column
from advisor.context import Context
from advisor.contract import LIMITS, check_objective
from advisor.errors import InputError, PluginError, UnknownNameError
from advisor.estimating import by_backend, estimate, fits, memory, scale_out
from advisor.expand import hardware_rows, make_schema
from advisor.interfaces import Backend, Objective, Scorer, Scores
from advisor.pieces import pieces
from advisor.plugins import guarded
from advisor.ranking.feasibility import Violation, feasible_rows, limit_violations
from advisor.ranking.objectives import Detail, Details, Measured, measured_estimates
from advisor.ranking.ordering import parsimony, rank_scores, settled
from advisor.ranking.preference import aspect_weights, objective_weights
from advisor.ranking.result import Ranking
from advisor.recipes import Choices, apply_techniques
from advisor.registry import Registry
from advisor.survivors import MOST_KEPT, Evaluated, Survivors, total_excess
from advisor.traffic import carry

#: Workload fields that ask for rules which must not go unchecked.
HARD_RULES = ("policies", "threat", "confidential", "data_region")


def rank(
    context: Context, registry: Registry, start: Candidates | None = None, most: int | None = MOST_KEPT,
    front: bool = False,
) -> Ranking:  # fmt: skip
    """Answer one question: expand, rewrite, estimate, score, filter and order candidates.

    ``start`` gives the hardware rows where the caller has chosen them; else they are enumerated. Of more candidates
    than ``most`` the ranking keeps those that can be shown (``survivors.py``), and with
    ``front`` the whole Pareto front; None keeps all.
    """
    choices = Choices()
    blocks = _estimated_blocks(context, registry, start, choices)
    with np.errstate(all="ignore"):  # a plugin's division by zero is found in its columns, not printed
        return answer(blocks, context, registry, choices, lambda other: rank(other, registry, start, most, front),
                      most, front)  # fmt: skip


def _estimated_blocks(
    context: Context, registry: Registry, start: Candidates | None, choices: Choices
) -> Iterator[tuple[Candidates, Candidates]]:
    """Candidates before they are joined with offers, block by block, and what is too big of each."""
    techniques = registry.techniques
    schema = make_schema(techniques, plugin_columns(registry))
    rows = start if start is not None else hardware_rows(context, schema)
    nothing = rows.take(np.zeros(0, dtype=int))
    yield nothing, nothing  # where no recipe is legal there is no other block
    owners = {technique.name: registry.owner(technique) for technique in techniques}
    for recipes in apply_techniques(rows, techniques, owners, context, choices) if len(rows) else [rows]:
        for block in batch_blocks(recipes, context) if len(recipes) else [recipes]:
            block["quality.high"] = np.maximum(np.minimum(block["quality.high"], 1.0), block["quality"])
            yield _estimate(block, context, registry)


def answer(
    blocks: Iterable[tuple[Candidates, Candidates]], context: Context, registry: Registry, choices: Choices,
    again: Callable[[Context], Ranking], most: int | None = None, front: bool = False,
) -> Ranking:  # fmt: skip
    """Join estimated blocks with the offers, score, filter and order; ``again`` answers another question anew.

    The blocks are kept for other offers of the same hardware, as long as the ranking keeps every candidate.
    """
    survivors = Survivors(context, lambda name, table, places: _detail_of(name, table, places, context, registry),
                          lambda measured: _weights_of(measured, context, registry), most, front)  # fmt: skip
    too_big: Candidates | None = None
    kept: list[Candidates] = []
    for estimated, missed in blocks:
        too_big = missed if too_big is None else _nearest_misses(Candidates.concat([too_big, missed])).compact()
        kept.append(estimated)
        for offered in _join_offers(estimated, context):
            survivors.add(_evaluate(offered, context, registry))
        if not survivors.complete:
            kept.clear()
    assert too_big is not None
    whole = survivors.result() or _evaluate(too_big.take(np.zeros(0, dtype=int)), context, registry)
    estimates = tuple(kept) if survivors.complete else None
    try:
        _warn_of_unchecked_limits(whole.measured, context)
        return _order(whole, too_big, context, registry, choices, survivors, estimates, again)
    except UnknownNameError as error:  # perhaps of an objective whose scorer failed: then that is the reason
        raise _explained(error, context) from None


def _explained(error: UnknownNameError, context: Context) -> InputError:
    failed = [line for line in context.warnings if "left out" in line]
    return InputError(f"{error} ({'; '.join(failed)})") if failed else error


def _evaluate(rows: Candidates, context: Context, registry: Registry) -> Evaluated:
    """Score candidates and check them against the limits."""
    measured, violations = _score(rows, context, registry)
    try:
        violations += limit_violations(measured, context) if len(rows) else []
    except UnknownNameError as error:
        raise _explained(error, context) from None
    return Evaluated(rows, measured, violations, feasible_rows(violations, len(rows)))


def _aspect_weights(measured: list[Measured], context: Context, registry: Registry) -> dict[str, float]:
    """The weight of each aspect that something measures."""
    aspects = list(dict.fromkeys(item.objective.aspect for item in measured if item.objective.aspect))
    return aspect_weights(context.workload, aspects, registry.profiles) if aspects else {}


def _weights_of(measured: list[Measured], context: Context, registry: Registry) -> Array:
    """The weight of each objective, 0 of those that serve no aspect."""
    weights = _aspect_weights(measured, context, registry)
    judged = iter(objective_weights([item.objective for item in measured if item.objective.aspect], weights))
    return np.array([next(judged) if item.objective.aspect else 0.0 for item in measured])


def _detail_of(
    name: str, rows: Candidates, places: Array, context: Context, registry: Registry
) -> dict[str, Detail]:  # fmt: skip
    """Intervals and parts of a scorer's objectives over some rows."""
    scorer = next(scorer for scorer in registry.scorers if scorer.name == name)
    return _detailed(scorer, rows.take(places), context)


def _warn_of_unchecked_limits(measured: list[Measured], context: Context) -> None:
    """Say of a limit that the user gave when nothing measures what it bounds: it was not applied."""
    checked = {item.objective.limited_by for item in measured}
    for field in LIMITS if measured else ():
        if field not in checked and getattr(context.workload, field) is not None:
            context.warn(f"{field} was not applied: no plugin in use measures what it limits for this task and model")


def plugin_columns(registry: Registry) -> list[Column]:
    """Columns that backends and scorers add to the table."""
    items: list[Backend | Scorer] = [*registry.backends.values(), *registry.scorers]
    return [column for item in items for column in item.columns]


def _estimate(rows: Candidates, context: Context, registry: Registry) -> tuple[Candidates, Candidates]:
    """Let backends fill the estimates; return the rows that fit, and the nearest miss of each system."""
    done: list[Candidates] = []
    missed: list[Candidates] = []
    for backend, positions in by_backend(rows, context, registry.backends):
        part = rows.take(positions)
        owner = registry.owner(backend)
        if not memory(backend, part, context, owner):
            context.note(f"backend {backend.name} failed", len(part))
            continue
        fit = fits(part, context)
        context.note("does not fit in memory", int((~fit).sum()))
        if not fit.all():
            missed.append(_nearest_misses(part.take(~fit)))
            part = part.take(fit)
        if not len(part):
            continue
        if not estimate(backend, part, context, owner):
            context.note(f"backend {backend.name} failed", len(part))
            continue
        if not carry(backend, part, context, owner):
            context.note(f"backend {backend.name} failed", len(part))
            continue
        scale_out(part, context)
        done.append(part)
    nothing = rows.take(np.zeros(len(rows), dtype=bool))
    answer = Candidates.concat(done) if done else nothing
    limit = context.workload.max_devices
    if limit is not None and len(answer):
        few = answer["device_count"] * answer["units"] <= limit
        context.note(f"needs more than {limit} devices", int((~few).sum()))
        answer = answer.take(few)
    return answer, (Candidates.concat(missed) if missed else nothing)


def _nearest_misses(rows: Candidates) -> Candidates:
    """Of each system and node count, the row that misses its memory by least."""
    order = np.lexsort((rows["memory"], rows["nodes"], rows["system"]))
    system, nodes = rows["system"][order], rows["nodes"][order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (system[1:] != system[:-1]) | (nodes[1:] != nodes[:-1])
    return rows.take(order[first])


def _join_offers(rows: Candidates, context: Context) -> Iterator[Candidates]:
    """Repeat each row for every offer of its system, block by block; rows without one keep offer -1."""
    if not len(rows):
        return
    position = {system.id: index for index, system in enumerate(context.system_list)}
    offered: list[list[int]] = [[] for _ in context.system_list]
    for place, offer in enumerate(context.offer_list):
        if offer.system in position:
            offered[position[offer.system]].append(place)
    counts = np.array([max(1, len(found)) for found in offered])
    flat = np.array([place for found in offered for place in (found or [-1])], dtype=np.int32)
    start = np.concatenate(([0], np.cumsum(counts)[:-1]))
    most = np.array([offer.max_systems or np.inf for offer in context.offer_list] or [np.inf])
    for piece in pieces(rows, counts[rows["system"]]):
        repeats = counts[piece["system"]]
        index = np.repeat(np.arange(len(piece)), repeats)
        within = np.arange(len(index)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        answer = piece.take(index)
        answer["offer"] = flat[start[answer["system"]] + within]
        enough = (answer["offer"] < 0) | (answer["nodes"] * answer["units"] <= most[answer["offer"]])
        context.note("the offer has too few of the system", int((~enough).sum()))
        yield answer if enough.all() else answer.take(enough)


def _score(rows: Candidates, context: Context, registry: Registry) -> tuple[list[Measured], list[Violation]]:
    measured = measured_estimates(rows, context)
    violations: list[Violation] = []
    if not len(rows):
        return measured, violations
    unchecked = [field for field in HARD_RULES if getattr(context.workload, field)]
    for scorer in registry.scorers:
        given = {item.objective.name for item in measured}
        found = guarded(registry.owner(scorer), f"scorer {scorer.name!r}", context.warn,
                        lambda s=scorer, g=given: run_scorer(s, rows, context, g))  # type: ignore[misc]  # fmt: skip
        if found is not None:
            measured += found[0]
            violations += found[1]
            unchecked = [field for field in unchecked if field not in scorer.enforces]
    for field in unchecked:  # a rule that nothing checked may be broken by any of them
        violations.append(Violation(f"{field}: asked for, but no scorer checked it", np.ones(len(rows), dtype=bool)))
    return measured, violations


def run_scorer(
    scorer: Scorer, rows: Candidates, context: Context, given: set[str]
) -> tuple[list[Measured], list[Violation]]:
    """Run one scorer and check its answer: shapes, finite numbers where an offer is known, intervals.

    It works on a table of its own, of which only the columns that it declares are taken over.
    """
    table = rows.copy()
    scores = scorer.score(table, context)
    if not isinstance(scores, Scores):
        raise PluginError(f"score gave a {type(scores).__name__}, not Scores")
    offered = rows["offer"] >= 0
    details = Details(lambda places: _detailed(scorer, rows.take(places), context))
    measured: list[Measured] = []
    for objective in scorer.objectives(context):
        check_objective(objective, given | {item.objective.name for item in measured})
        if objective.name not in scores.values:
            raise PluginError(f"gave no values for its objective {objective.name!r}")
        answer = scores.values[objective.name]
        if isinstance(answer, np.ndarray):
            value = _column(answer, len(rows), objective.name)
            _check_finite(value, offered, objective)
            measured.append(Measured(objective, value, None, None, {}, scorer.name, details=details))
        else:
            value, low, high = _interval(answer, offered, objective)
            parts = _parts(scores, objective, len(rows))
            measured.append(Measured(objective, value, low, high, parts, scorer.name))
    exclusions = [Violation(str(rule), np.broadcast_to(np.asarray(mask, dtype=bool), (len(rows),)))
                  for mask, rule in scores.exclusions]  # fmt: skip
    own = {column.name for column in scorer.columns} - {column.name for column in COLUMNS}
    for name in table.names:
        if name.removesuffix(".low").removesuffix(".high") in own:
            rows[name] = table[name]
    return measured, exclusions


def _detailed(scorer: Scorer, rows: Candidates, context: Context) -> dict[str, Detail]:
    """Ask a scorer for intervals and parts of some rows, checked; what fails is warned of and left out."""

    def call() -> dict[str, Detail]:
        scores = scorer.detail(rows.copy(), context)
        offered = rows["offer"] >= 0
        return {objective.name: (*_interval(scores.values[objective.name], offered, objective),
                                 _parts(scores, objective, len(rows)))
                for objective in scorer.objectives(context)}  # fmt: skip

    with np.errstate(all="ignore"):
        return guarded(f"scorer {scorer.name!r}", "detail", context.warn, call) or {}


def _interval(answer: object, offered: Array, objective: Objective) -> tuple[Array, Array, Array]:
    """Value, low and high of an objective, or ``PluginError``."""
    if not isinstance(answer, tuple) or len(answer) != 3:
        raise PluginError(f"objective {objective.name!r}: expected (value, low, high), got {type(answer).__name__}")
    value, low, high = (_column(column, len(offered), objective.name) for column in answer)
    for column in (value, low, high):
        _check_finite(column, offered, objective)
    slack = 1e-9 * np.abs(value)
    if (low > value + slack).any() or (high < value - slack).any():
        raise PluginError(f"objective {objective.name!r} lies outside its own interval")
    return value, low, high


def _check_finite(column: Array, offered: Array, objective: Objective) -> None:
    if not np.isfinite(column).all() and not np.isfinite(column[offered]).all():
        raise PluginError(f"objective {objective.name!r} holds a number that is not finite")


def _parts(scores: Scores, objective: Objective, length: int) -> dict[str, Array]:
    added = scores.parts.get(objective.name, {})
    return {str(name): _column(part, length, name) for name, part in added.items()}


def _column(values: Array, length: int, name: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise PluginError(f"{name!r}: expected numbers, got dtype {array.dtype}")
    array = array.astype(float)
    if array.ndim > 1 or (array.ndim == 1 and len(array) != length):
        raise PluginError(f"{name!r}: expected shape ({length},), got {array.shape}")
    return np.broadcast_to(array, (length,))


def _order(
    whole: Evaluated, too_big: Candidates, context: Context, registry: Registry, choices: Choices,
    survivors: Survivors, estimated: tuple[Candidates, ...] | None, again: Callable[[Context], Ranking],
) -> Ranking:  # fmt: skip
    """Sort: the feasible by preference, then the infeasible by how little they miss."""
    rows, measured, feasible = whole.rows, whole.measured, whole.feasible
    weights = _aspect_weights(measured, context, registry)
    judged = [item for item in measured if item.objective.aspect]
    reference = feasible if feasible.any() else np.ones(len(rows), dtype=bool)
    losses = np.array([item.losses(reference) for item in judged]).reshape(len(judged), len(rows)).T
    row_weights = objective_weights([item.objective for item in judged], weights)
    score = rank_scores(losses, row_weights, reference, [item.objective.aspect for item in judged], context, registry)
    score = score + parsimony(rows, context)
    good, bad = np.flatnonzero(feasible), np.flatnonzero(~feasible)
    excess = total_excess(whole.violations, len(rows))
    order = np.concatenate([good[np.argsort(score[good])], bad[np.lexsort((score[bad], excess[bad]))]])
    order = settled(order, (feasible, score, excess), rows)
    return Ranking(
        context=context, registry=registry, choices=choices, rows=rows.take(order), too_big=too_big,
        feasible_count=len(good), measured=[item.take(order) for item in measured],
        violations=[violation.take(order) for violation in whole.violations],
        score=score[order], weights=weights, losses=losses.T.take(order, axis=1).T,
        evaluated=survivors.evaluated, feasible_evaluated=survivors.feasible, estimated=estimated, again=again,
    )  # fmt: skip
