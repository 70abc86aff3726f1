import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from advisor.ranking.pareto import pareto_front


def by_definition(losses):
    """The front straight from its definition, pair by pair."""
    answer = []
    for row in losses:
        no_worse = (losses <= row).all(axis=1)
        better = (losses < row).any(axis=1)
        answer.append(not (no_worse & better).any())
    return np.array(answer, dtype=bool)


def test_hand_worked_case():
    losses = np.array([[1, 5], [2, 2], [5, 1], [3, 3], [2, 2], [1, 6]], dtype=float)
    assert pareto_front(losses).tolist() == [True, True, True, False, True, False]


@settings(max_examples=200)
@given(hnp.arrays(float, st.tuples(st.integers(0, 40), st.integers(1, 4)), elements=st.integers(0, 6).map(float)))
def test_equals_the_definition(losses):
    assert pareto_front(losses).tolist() == by_definition(losses).tolist()
