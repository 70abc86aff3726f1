"""Checks of scorers, rankers and profiles: finite, within their intervals, in the right direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.devices import Device, System
from advisor.engine import run_scorer
from advisor.interfaces import Objective, Profile, Ranker, Scorer
from advisor.offers import Offer
from advisor.testing.requirement import Check, require, require_same, require_unique, snapshot
from advisor.testing.samples import context_of, questions, sample_device, sample_offers, sample_systems
from advisor.testing.tables import estimated_rows, halves
from advisor.workload import Task


def scorer_checks(
    scorer: Scorer, devices: Sequence[Device], systems: Sequence[System], offers: Sequence[Offer]
) -> Iterator[Check]:
    """Checks of one scorer, on its plugin's offers and on made-up ones."""
    made = sample_device()
    made_systems = sample_systems([made])
    own = [system for system in systems if any(device.id == system.device for device in devices)][:8]
    named = {system.id for system in own}
    for question in questions():
        def context(question: str = question) -> Context:
            model, workload = questions()[question]
            theirs = [offer for offer in offers if offer.system in named]
            return context_of(model, workload, [*devices, made], [*own, *made_systems],
                              [*theirs, *sample_offers(made_systems)])  # fmt: skip

        yield Check(f"scorer {scorer.name}: objectives: {question}", lambda c=context: _objectives(scorer, c()))  # type: ignore[misc]
        yield Check(f"scorer {scorer.name}: scores: {question}", lambda c=context: _scores(scorer, c()))  # type: ignore[misc]


def _objectives(scorer: Scorer, context: Context) -> None:
    objectives = list(scorer.objectives(context))
    require_unique([objective.name for objective in objectives], "objective")
    require_unique([objective.aspect for objective in objectives if objective.aspect], "aspect")
    for objective in objectives:
        require(objective.doc.strip(), f"objective {objective.name!r} has no doc")
    require(objectives == list(scorer.objectives(context)), "objectives() gives others a second time")


def _scores(scorer: Scorer, context: Context) -> None:
    rows = estimated_rows(context, scorer.columns)
    before = snapshot(rows)
    whole = _measured(scorer, rows, context)
    require_same(before, {name: rows[name] for name in before}, "changes the arrays that it was given")
    require_same(whole, _measured(scorer, rows, context), "the same rows a second time")
    for positions in halves(rows):
        part = _measured(scorer, rows.take(positions), context)
        require_same({name: array[positions] for name, array in whole.items()}, part, "some of the rows alone",
                     exact=False)  # fmt: skip


def _measured(scorer: Scorer, rows: Candidates, context: Context) -> dict[str, Array]:
    """Every array of its answer, once it has passed what the engine asks."""
    with np.errstate(all="ignore"):
        measured, exclusions = run_scorer(scorer, rows, context, set())
    answer: dict[str, Array] = {}
    for item in measured:
        name = item.objective.name
        answer |= {name: item.value, f"{name}.low": item.low, f"{name}.high": item.high}
        answer |= {f"{name}: {part}": array for part, array in item.parts.items()}
        slack = 1e-9 * np.abs(item.value)
        outside = (item.low > item.value + slack) | (item.value > item.high + slack)
        require(not outside.any(), f"objective {name!r}: the interval of detail() does not hold the value of score()")
        _direction(item.objective, item.value)
    for number, violation in enumerate(exclusions):
        require(violation.rule.strip() and "\n" not in violation.rule, "rules rows out without saying why")
        answer[f"exclusion {number}"] = violation.rows.astype(float)
    return {name: np.nan_to_num(array, nan=-1.0) for name, array in answer.items()}


def _direction(objective: Objective, value: Array) -> None:
    if objective.scale == "ratio":
        below = (value < 0).any()
        require(not below, f"objective {objective.name!r} is compared by ratio but holds numbers below zero")


def ranker_checks(ranker: Ranker) -> Iterator[Check]:
    """Checks of one ranker."""
    yield Check(f"ranker {ranker.name}: scores", lambda: _ranks(ranker))


def _ranks(ranker: Ranker) -> None:
    random = np.random.default_rng(0)
    for count, width in ((0, 0), (0, 3), (1, 1), (5, 0), (200, 4)):
        losses = random.exponential(1.0, (count, width))
        weights = random.uniform(0.1, 1.0, width)
        weights = weights / weights.sum() if width else weights
        losses.flags.writeable = weights.flags.writeable = False
        scores = np.asarray(ranker.scores(losses, weights), dtype=float)
        require(scores.shape == (count,), f"{count} rows of {width} objectives give scores of shape {scores.shape}")
        require(np.isfinite(scores).all(), f"{count} rows of {width} objectives give scores that are not finite")
        require(np.array_equal(scores, ranker.scores(losses, weights)), "the same losses score otherwise a second time")
        if count > 1 and width:
            order = random.permutation(count)
            moved = np.asarray(ranker.scores(losses[order], weights), dtype=float)
            require(np.allclose(moved, scores[order]), "scores depend on the order of the rows")
            better = np.vstack([losses, losses * 0.5])  # each row again, half as far from the best in everything
            scores = np.asarray(ranker.scores(better, weights), dtype=float)
            require((scores[count:] <= scores[:count] + 1e-12).all(), "a row better in everything scores worse")
            whole, fitted = ranker.scores(losses, weights), ranker.fitted(losses, weights)
            alone = np.concatenate([np.asarray(fitted(losses[row : row + 1]), dtype=float) for row in range(count)])
            require(np.allclose(alone, whole), "a row alone scores otherwise than among the others: override fitted")


def profile_checks(profile: Profile) -> Iterator[Check]:
    """Checks of one profile."""

    def check() -> None:
        require(profile.doc.strip(), "has no doc: one line on whom it suits")
        require(set(profile.default_for) <= set(get_args(Task)), f"default_for: expected {', '.join(get_args(Task))}")

    yield Check(f"profile {profile.name}: says what it is", check)
