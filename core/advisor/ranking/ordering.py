"""Which ranker puts the candidates in order, with what settings, and the scores that it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.errors import InputError, PluginError, UnknownNameError
from advisor.interfaces import Ranker
from advisor.plugins import guarded
from advisor.ranking.preference import chosen_profile
from advisor.registry import Registry

#: The ranker where neither the user nor the profile names one.
DEFAULT = "weighted"
#: Digits of a score that count: the rest is rounding, which depends on the order of sums.
SCORE_DIGITS = 10

#: Score that a doubling of the hardware adds: as much as 0.35 % in everything. Differences below it are nobody's
#: concern, and then the smaller is enough.
PARSIMONY = 0.005

RowScores = Callable[[Array], Array]


def weighted_sum(losses: Array, weights: Array) -> Array:
    """Weighted sum of each row, added in the order of the columns, so that a row's sum depends on it alone."""
    answer = np.zeros(len(losses))
    for column, weight in enumerate(weights.tolist()):
        answer += losses[:, column] * weight
    return answer


def parsimony(rows: Candidates, context: Context) -> Array:
    """What is added to the score of each row for its size: between equals the smaller hardware comes first.

    Size is the board power of all devices, which is known of every device.
    """
    watts = context.devices.board_power[rows["device"]] * rows["device_count"] * rows["units"]
    return np.asarray(PARSIMONY * np.log2(watts))


def chosen_ranker(context: Context, registry: Registry, aspects: Sequence[str]) -> Ranker | None:
    """The ranker that the user names, else the profile's, else the default; None where it is not registered.

    ``--ranker NAME:ASPECT=NUMBER,...`` sets what the ranker has a setting for.
    """
    name, _, text = context.ranker.partition(":")
    settings = _settings(context.ranker, text)
    profile = chosen_profile(context.workload, registry.profiles)
    if not name and profile is not None and profile.ranker:
        name, settings = profile.ranker, {key: value for key, value in profile.settings.items() if key in aspects}
    if name and name not in registry.rankers:
        raise UnknownNameError("ranker", name, registry.rankers)
    ranker = registry.rankers.get(name or DEFAULT)
    if ranker is None or not settings:
        return ranker
    return guarded(registry.owner(ranker), f"ranker {ranker.name!r}", context.warn,
                   lambda: ranker.configured(settings, aspects))  # fmt: skip


def _settings(given: str, text: str) -> dict[str, float]:
    """Parse ``aspect=number,...``."""
    answer: dict[str, float] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key, _, number = entry.partition("=")
        try:
            answer[key.strip()] = float(number)
        except ValueError:
            answer[key.strip()] = np.nan
        if not answer[key.strip()] >= 0:
            raise InputError(f"ranker {given!r}: {entry}: expected ASPECT=NUMBER of zero or more, such as cost=0.1")
    return answer


def rank_scores(
    losses: Array, weights: Array, reference: Array, aspects: Sequence[str], context: Context, registry: Registry
) -> Array:
    """Score every row, lower is better; ``reference`` are the rows that a ranker may take ideals and scales from."""
    return row_scores(losses if reference.all() else losses[reference], weights, aspects, context, registry)(losses)


def row_scores(
    losses: Array, weights: Array, aspects: Sequence[str], context: Context, registry: Registry
) -> RowScores:
    """The function that scores rows as the ranker does; a plain weighted sum where it fails or none is there.

    ``losses`` are those of the feasible rows.
    """

    def plain(rows: Array) -> Array:
        return np.round(weighted_sum(rows, weights), SCORE_DIGITS)

    ranker = chosen_ranker(context, registry, aspects)
    if ranker is None:
        return plain
    chosen = ranker
    owner, what = registry.owner(registry.rankers[chosen.name]), f"ranker {chosen.name!r}"
    losses.flags.writeable = weights.flags.writeable = False
    fitted = guarded(owner, what, context.warn, lambda: chosen.fitted(losses, weights), input_errors=False)

    def scored(rows: Array) -> Array:
        def call() -> Array:
            assert fitted is not None
            scores = np.asarray(fitted(rows))
            if scores.shape != (len(rows),) or scores.dtype.kind not in "biuf" or not np.isfinite(scores).all():
                raise PluginError("expected one finite number a row")
            return scores.astype(float)

        rows.flags.writeable = False
        found = None if fitted is None else guarded(owner, what, context.warn, call, input_errors=False)
        return plain(rows) if found is None else np.round(found, SCORE_DIGITS)

    return scored


def settled(order: Array, keys: Sequence[Array], rows: Candidates) -> Array:
    """Put candidates that are alike in all of ``keys`` in an order of their own: by offer, hardware, recipe, batch.

    The order that they were evaluated in would depend on the size of the blocks.
    """
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        ordered = key[order]
        same &= ordered[1:] == ordered[:-1]
    if not same.any():
        return order
    places = np.flatnonzero(np.concatenate((same, [False])) | np.concatenate(([False], same)))
    table = rows.take(order[places])
    group = np.concatenate(([0], np.cumsum(~same)))[places]
    columns = [table[name] for name in _identity(table)]
    differing = [column for column in reversed(columns) if (column != column[0]).any()]
    answer = order.copy()
    answer[places] = order[places][np.lexsort((*differing, group))]
    return answer


def _identity(table: Candidates) -> list[str]:
    """Columns that tell candidates of one question apart."""
    return ["offer", "system", "nodes", *(name for name in table.names if name.startswith("choice.")), "batch",
            "micro_batch", "global_batch"]  # fmt: skip
