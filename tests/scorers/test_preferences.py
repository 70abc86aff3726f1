"""Rankers against hand-worked cases, and the profiles."""

import numpy as np
import pytest

from advisor.errors import InputError
from advisor_preferences.orders import LexicographicRanker, TopsisRanker, WeightedRanker
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


def test_lexicographic_lets_the_second_decide_between_near_equals():
    losses = np.array([[0.01, 0.9], [0.05, 0.1], [0.5, 0.0], [0.02, 0.1]])
    scores = LexicographicRanker(tolerance=0.1).scores(losses, np.array([0.9, 0.1]))
    assert scores.tolist() == [1, 0, 2, 0]
    assert LexicographicRanker().scores(losses, np.array([0.0, 1.0])).tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize("ranker", [WeightedRanker(), TopsisRanker(), LexicographicRanker()])
def test_the_dominated_never_come_first(ranker):
    random = np.random.default_rng(0)
    for _ in range(50):
        losses = random.random((20, 3))
        losses[7] = losses.max(axis=0)
        scores = ranker.scores(losses, np.array([0.5, 0.3, 0.2]))
        assert scores[7] >= scores.max() - 1e-12


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
