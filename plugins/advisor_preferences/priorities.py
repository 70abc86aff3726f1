"""Rankers in which one objective comes first: lexicographic with tolerances, epsilon-constraint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np

from advisor.candidates import Array
from advisor.errors import UnknownNameError
from advisor.interfaces import Ranker
from advisor_preferences.orders import weighted_sum

#: Whole numbers that a float holds exactly; objectives too light to find room in them decide nothing.
MOST_NUMBERS = 2.0**53
#: The hair of the other objectives that parts candidates which are equal in the first (Mavrotas 2009 has 1e-3 to 1e-6).
AUGMENTATION = 1e-3


class _ByAspect(Ranker):
    """A ranker with one number an aspect."""

    usual: float

    def __init__(self, by_column: Mapping[int, float] | None = None) -> None:
        self.by_column = dict(by_column or {})

    def configured(self, settings: Mapping[str, float], aspects: Sequence[str]) -> Self:
        """Return the ranker with the numbers of the aspects named, and the usual one for the others."""
        for name in settings:
            if name not in aspects:
                raise UnknownNameError(f"aspect of ranker {self.name}", name, aspects)
        return type(self)({aspects.index(name): number for name, number in settings.items()})

    def scores(self, losses: Array, weights: Array) -> Array:
        """Return a score a row."""
        return self.fitted(losses, weights)(losses)


class LexicographicRanker(_ByAspect):
    """Objectives one after the other, the heaviest first; losses within a step of tolerance are equal.

    Lexicographic ordering with just-noticeable differences (Tversky, Intransitivity of preferences,
    Psychological Review 76, 1969), made transitive by steps counted from the best. The settings are
    tolerances of aspects, in losses: 0.07 is about 5 % of an amount.
    """

    name = "lexicographic"
    doc = "the heaviest objective decides, the next between near equals; settings: tolerance of an aspect, in losses"
    usual = 0.07

    def fitted(self, losses: Array, weights: Array) -> Callable[[Array], Array]:
        """Take from ``losses`` the steps that each objective has; a row's score is its steps as one whole number."""
        heaviest_first = [int(column) for column in np.argsort(-weights, kind="stable") if weights[column] > 0]
        digits: list[tuple[int, Array]] = []  # column and its steps, which become the digits of a number
        numbers = 1.0
        for column in heaviest_first:
            steps = np.unique(self._steps(losses[:, column], column))
            numbers *= len(steps) + 1
            if numbers > MOST_NUMBERS:
                break
            digits.append((column, steps))

        def scored(rows: Array) -> Array:
            answer = np.zeros(len(rows))
            for column, steps in digits:
                answer = answer * (len(steps) + 1) + np.searchsorted(steps, self._steps(rows[:, column], column))
            return answer

        return scored

    def _steps(self, losses: Array, column: int) -> Array:
        tolerance = self.by_column.get(column, self.usual)
        return np.asarray(np.floor(losses / tolerance + 1e-9) if tolerance > 0 else losses)


class EpsilonConstraintRanker(_ByAspect):
    """The heaviest objective, as long as each other one stays within a bound.

    Epsilon-constraint method (Haimes, Lasdon and Wismer, IEEE Transactions on Systems, Man, and
    Cybernetics 1(3), 1971), augmented by a hair of the others so that the first is on the Pareto front
    (Mavrotas, Applied Mathematics and Computation 213(2), 2009). What breaks a bound comes after, by
    how much it breaks all of them. The settings are bounds on aspects, in losses: 1 is twice as bad
    as the best there is. Without any, each other aspect that has weight is bounded by 1.
    """

    name = "epsilon_constraint"
    doc = "the heaviest objective among those that keep every bound; settings: bound on an aspect, in losses"
    usual = 1.0

    def fitted(self, losses: Array, weights: Array) -> Callable[[Array], Array]:
        """Take from ``losses`` the worst score within the bounds, after which what breaks them begins."""
        if not len(weights):
            return lambda rows: np.zeros(len(rows))
        first = int(np.argmax(weights))
        bounds = np.full(len(weights), np.inf)
        for column, weight in enumerate(weights.tolist()):
            if self.by_column:
                bounds[column] = self.by_column.get(column, np.inf)
            elif weight > 0 and column != first:
                bounds[column] = self.usual
        hair = weights * AUGMENTATION
        hair[first] = 1.0

        def judged(rows: Array) -> tuple[Array, Array]:
            excess = np.zeros(len(rows))
            for column in np.flatnonzero(np.isfinite(bounds)):
                excess += np.maximum(rows[:, column] - bounds[column] - 1e-9, 0.0)
            return weighted_sum(rows, hair), excess

        value, excess = judged(losses)
        worst = value[excess == 0].max(initial=0.0)

        def scored(rows: Array) -> Array:
            value, excess = judged(rows)
            return np.where(excess == 0, np.minimum(value, worst + 1), worst + 1 + excess + AUGMENTATION * value)

        return scored
