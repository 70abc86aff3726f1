"""Rankers (weighted sum, TOPSIS, lexicographic, epsilon-constraint) and profiles, which are named weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Profile, Ranker


@hookimpl
def rankers() -> Iterable[Ranker]:
    """Return the rankers; the first is the default."""
    from advisor_preferences.orders import TopsisRanker, WeightedRanker
    from advisor_preferences.priorities import EpsilonConstraintRanker, LexicographicRanker

    return [WeightedRanker(), TopsisRanker(), LexicographicRanker(), EpsilonConstraintRanker()]


@hookimpl
def profiles() -> Iterable[Profile]:
    """Return the profiles of ``profiles.toml``."""
    from advisor_preferences.read_profiles import read_profiles

    return read_profiles()
