"""Rankers against hand-worked cases, and the profiles."""

import json
from pathlib import Path

import numpy as np
import pytest

from advisor.errors import InputError
from advisor_preferences.orders import TopsisRanker, WeightedRanker
from advisor_preferences.priorities import EpsilonConstraintRanker, LexicographicRanker
from advisor_preferences.read_profiles import read_profiles

ASPECTS = {"cost", "latency", "throughput", "energy", "carbon", "privacy", "quality"}


def test_weighted_sum():
    losses = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    assert WeightedRanker().scores(losses, np.array([0.75, 0.25])).tolist() == [0.25, 0.75, 0.5]


def test_topsis_by_hand():
    # Columns of norm 5: weighted (0, .5), (.3, .0), (.4, .0) after weights (.5, .5) and 3-4-5.
    losses = np.array([[0.0, 5.0], [3.0, 0.0], [4.0, 0.0]])
    best, worst = np.array([0.0, 0.0]), np.array([0.4, 0.5])
    points = np.array([[0.0, 0.5], [0.3, 0.0], [0.4, 0.0]])
    to_best = np.linalg.norm(points - best, axis=1)
    to_worst = np.linalg.norm(points - worst, axis=1)
    expected = to_best / (to_best + to_worst)
    assert expected[1] == pytest.approx(0.3 / (0.3 + np.hypot(0.1, 0.5)))
    np.testing.assert_allclose(TopsisRanker().scores(losses, np.array([0.5, 0.5])), expected)


def test_topsis_of_equals_and_of_nothing():
    assert TopsisRanker().scores(np.zeros((3, 2)), np.array([0.5, 0.5])).tolist() == [0, 0, 0]
    assert TopsisRanker().scores(np.zeros((0, 2)), np.array([0.5, 0.5])).shape == (0,)


def test_topsis_chooses_the_published_fighter_aircraft():
    # Hwang and Yoon 1981: speed, range, payload, cost, reliability, manoeuvrability; all but cost are to be high.
    table = np.array([
        [2.0, 1500, 20000, 5.5, 5, 9], [2.5, 2700, 18000, 6.5, 3, 5], [1.8, 2000, 21000, 4.5, 7, 7],
        [2.2, 1800, 20000, 5.0, 5, 5],
    ])  # fmt: skip
    losses = table * np.array([-1, -1, -1, 1, -1, -1])
    closeness = 1 - TopsisRanker().scores(losses, np.array([0.2, 0.1, 0.1, 0.1, 0.2, 0.3]))
    np.testing.assert_allclose(closeness, [0.643, 0.268, 0.613, 0.312], atol=6e-4)


def test_lexicographic_lets_the_second_decide_between_near_equals():
    losses = np.array([[0.01, 0.9], [0.05, 0.1], [0.5, 0.0], [0.02, 0.1]])
    ranker = LexicographicRanker().configured({"cost": 0.1}, ["cost", "latency"])
    scores = ranker.scores(losses, np.array([0.9, 0.1]))
    assert scores[1] == scores[3]
    assert scores[1] < scores[0] < scores[2]
    swapped = LexicographicRanker().scores(losses, np.array([0.0, 1.0]))
    assert swapped[2] < swapped[1] == swapped[3] < swapped[0]


def test_lexicographic_without_tolerance_is_the_order_of_a_sort():
    losses = np.random.default_rng(1).integers(0, 4, (200, 4)) / 8
    none = dict.fromkeys("abcd", 0.0)
    scores = LexicographicRanker().configured(none, list("abcd")).scores(losses, np.array([0.1, 0.4, 0.3, 0.2]))
    order = np.lexsort((losses[:, 0], losses[:, 3], losses[:, 2], losses[:, 1]))
    ranked = losses[np.argsort(scores, kind="stable")]
    np.testing.assert_array_equal(ranked, losses[order])


def test_epsilon_constraint_by_hand():
    # cost, latency, quality; latency within 1 of the best, quality within 0.2
    losses = np.array([[0.0, 1.5, 0.0], [0.4, 1.0, 0.0], [0.4, 0.5, 0.2], [0.2, 0.5, 0.3], [0.0, 9.0, 0.0]])
    ranker = EpsilonConstraintRanker().configured({"latency": 1, "quality": 0.2}, ["cost", "latency", "quality"])
    scores = ranker.scores(losses, np.array([0.6, 0.2, 0.2]))
    # within: 2 and 1 (equal cost, 2 has less of the others); then 3 misses by 0.1, 0 by 0.5, 4 by 8
    assert np.argsort(scores).tolist() == [2, 1, 3, 0, 4]


def test_a_ranker_says_which_aspects_it_knows():
    with pytest.raises(InputError, match="latency"):
        LexicographicRanker().configured({"latecy": 0.1}, ["cost", "latency"])
    with pytest.raises(InputError, match="no settings"):
        WeightedRanker().configured({"cost": 1.0}, ["cost"])


RANKERS = [WeightedRanker(), TopsisRanker(), LexicographicRanker(), EpsilonConstraintRanker()]


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda ranker: ranker.name)
def test_the_dominated_never_come_first(ranker):
    random = np.random.default_rng(0)
    for _ in range(50):
        losses = random.random((20, 3))
        losses[7] = losses.max(axis=0)
        scores = ranker.scores(losses, np.array([0.5, 0.3, 0.2]))
        assert scores[7] >= scores.max() - 1e-12


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda ranker: ranker.name)
def test_rows_score_the_same_alone_as_among_the_others(ranker):
    losses = np.random.default_rng(2).exponential(1.0, (50, 4))
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    fitted = ranker.fitted(losses, weights)
    one_by_one = np.concatenate([fitted(losses[row : row + 1]) for row in range(50)])
    np.testing.assert_array_equal(one_by_one, ranker.scores(losses, weights))


RECORDED = json.loads((Path(__file__).parent / "data" / "pymcdm.json").read_text())


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["name"])
def test_agrees_with_pymcdm(case):
    matrix, weights = np.array(case["matrix"]), np.array(case["weights"])
    losses = matrix * -np.array(case["types"])
    np.testing.assert_allclose(1 - TopsisRanker().scores(losses, weights), case["topsis"], atol=1e-12)
    np.testing.assert_allclose(WeightedRanker().scores(losses, weights), -np.array(case["weighted_sum"]), atol=1e-9)


def test_profiles_cover_every_task_once():
    profiles = read_profiles()
    tasks = [task for profile in profiles for task in profile.default_for]
    assert sorted(tasks) == ["batch", "finetune", "serve", "train"]
    assert {"balanced", "cheapest", "fastest", "greenest", "private", "careful"} <= {each.name for each in profiles}
    for profile in profiles:
        assert profile.doc
        assert profile.weights.keys() <= ASPECTS
        assert sum(profile.weights.values()) == pytest.approx(1)


def test_a_wrong_profile_is_named(tmp_path):
    path = tmp_path / "profiles.toml"
    path.write_text("[mine]\nweights = {cost = -1}\n")
    with pytest.raises(InputError, match="mine: weights"):
        read_profiles(path)
