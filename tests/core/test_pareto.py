import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from advisor.ranking.boxes import dominated_rows
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


def made(kind, rows, columns, seed):
    random = np.random.default_rng(seed)
    if kind == "trade-off":  # near a plane on which nothing dominates anything
        shares = random.dirichlet(np.ones(columns), rows)
        return shares * random.normal(1, 0.05, (rows, 1))
    if kind == "alike":
        return random.normal(size=(rows, 1)) + 0.5 * random.normal(size=(rows, columns))
    return random.integers(0, 30, (rows, columns)).astype(float)  # many equal rows


@pytest.mark.parametrize("kind", ["trade-off", "alike", "duplicates"])
@pytest.mark.parametrize("columns", [2, 3, 6, 9])
def test_large_sets_equal_the_definition(kind, columns):
    losses = made(kind, 3000, columns, seed=columns)
    assert pareto_front(losses).tolist() == by_definition(losses).tolist()


def test_front_of_fronts_is_the_front():
    losses = made("trade-off", 5000, 4, seed=9)
    parts = [np.flatnonzero(pareto_front(losses[start : start + 700])) + start for start in range(0, 5000, 700)]
    kept = np.concatenate(parts)
    assert kept[pareto_front(losses[kept])].tolist() == np.flatnonzero(pareto_front(losses)).tolist()


def test_sums_that_round_to_the_same_hide_nothing():
    losses = np.array([[1.0, 1e16], [0.0, 1e16], [2.0, 0.0]])  # the second dominates the first; both sums round to 1e16
    assert pareto_front(losses).tolist() == [False, True, True]


@pytest.mark.parametrize("rows", [1, 15, 17, 400, 3000])
@pytest.mark.parametrize("values", [3, 1000])
def test_boxes_of_any_size_equal_the_definition(rows, values):
    table = np.unique(np.random.default_rng(rows).integers(0, values, (rows, 5)), axis=0).astype(float)
    assert dominated_rows(table).tolist() == (~by_definition(table)).tolist()


RECORDED = json.loads((Path(__file__).parent / "data" / "pymoo_fronts.json").read_text())


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: f"{case['kind']} in {case['columns']}")
def test_agrees_with_pymoo(case):
    losses = np.round(made(case["kind"], case["rows"], case["columns"], case["seed"]), 3)
    assert losses.sum() == pytest.approx(case["sum"])  # the same rows as were recorded
    assert np.flatnonzero(pareto_front(losses)).tolist() == case["front"]
