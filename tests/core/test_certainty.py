"""Chances from intervals: against closed forms, published tables and plain random draws."""

from statistics import NormalDist

import numpy as np
import pytest

from advisor.ranking.certainty import Uncertain, certainties
from advisor.ranking.errors import BACKEND_SHARE, DEVICE_SHARE, Z80, Sharing, draw_errors
from advisor.ranking.quasirandom import GENERATOR, normal_draws

NORMAL = NormalDist()
LIMIT = "time_to_first_token"


def sharing(count, **given):
    """Candidates that share nothing, but for what is given."""
    apart = list(range(count))
    return Sharing(**{**dict.fromkeys(("backend", "device", "configuration", "recipe", "place"), apart), **given})


def objective(value, spread, bound=None, name="cost", errs_with="device", minimize=True):
    """An objective whose interval is a factor ``spread`` to both sides."""
    value, spread = np.array(value, dtype=float), np.broadcast_to(np.asarray(spread, dtype=float), len(value))
    return Uncertain(name, errs_with, value, value / spread, value * spread, minimize, bound)


def judge(values, spread, shared=None, **more):
    values = np.array(values, dtype=float)
    item = objective(values, spread, **more)
    losses = np.log2(values / values.min())[:, None]
    return certainties([item], shared or sharing(len(values)), losses, [0], lambda rows: rows[:, 0])


def test_every_coordinate_is_standard_normal():
    draws = normal_draws(len(GENERATOR))
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(draws.std(axis=0), 1, atol=2e-3)
    np.testing.assert_allclose(np.quantile(draws[:, 5], [0.1, 0.9]), [-Z80, Z80], atol=3e-3)
    expected = [NORMAL.inv_cdf((place + 0.5) / len(draws)) for place in range(len(draws))]
    np.testing.assert_allclose(np.sort(draws[:, 77]), expected, atol=5e-5)


def test_coordinates_are_independent():
    draws = normal_draws(60)
    correlation = np.corrcoef(draws.T)
    assert np.abs(correlation - np.eye(60)).max() < 0.15
    assert np.sqrt(((correlation - np.eye(60)) ** 2).mean()) < 0.02  # 1021 random draws: 0.031


@pytest.mark.parametrize(("count", "expected"), [(2, 0.56419), (5, 1.16296), (10, 1.53875)])
def test_expected_maximum_of_normal_samples(count, expected):
    # Harter, Expected values of normal order statistics, Biometrika 48, 1961
    assert normal_draws(count).max(axis=1).mean() == pytest.approx(expected, abs=0.02)


def test_two_independent_candidates_as_in_closed_form():
    gap, spread = 1.3, 1.5
    sigma = np.log(spread) / Z80
    first, second = judge([1.0, gap], spread)
    assert first.best == pytest.approx(NORMAL.cdf(np.log(gap) / (sigma * np.sqrt(2))), abs=0.02)
    assert first.best + second.best == pytest.approx(1)


def test_candidates_on_one_device_share_its_error():
    gap, spread = 1.3, 1.5
    sigma = np.log(spread) / Z80
    together = judge([1.0, gap], spread, sharing(2, device=["a", "a"], backend=["g", "g"]))[0]
    own = 1 - DEVICE_SHARE - BACKEND_SHARE
    assert together.best == pytest.approx(NORMAL.cdf(np.log(gap) / (sigma * np.sqrt(2 * own))), abs=0.02)
    apart = judge([1.0, gap], spread, sharing(2, backend=["g", "g"]))[0]
    assert apart.best == pytest.approx(NORMAL.cdf(np.log(gap) / (sigma * np.sqrt(2 * (1 - BACKEND_SHARE)))), abs=0.02)
    assert together.best > apart.best > judge([1.0, gap], spread)[0].best


def test_one_configuration_at_two_prices_has_one_error():
    same = sharing(2, device=["a", "a"], backend=["g", "g"], configuration=["c", "c"])
    cheaper, dearer = judge([1.0, 1.001], 2.0, same)
    assert (cheaper.best, dearer.best) == (1, 0)
    assert dearer.tied_with == 1


def test_equals_share_the_chance_and_are_tied():
    chances = judge([1.0, 1.0, 1.0], 1.4)
    assert [chance.best for chance in chances] == pytest.approx([1 / 3] * 3, abs=0.02)
    assert [chance.tied_with for chance in chances] == [0, 0, 0]


def test_groups_of_ties_begin_where_the_data_tell_apart():
    chances = judge([1.0, 1.01, 3.0, 3.1], 1.3)
    assert [chance.tied_with for chance in chances] == [0, 0, 2, 2]
    assert chances[2].best < 0.01


@pytest.mark.parametrize(("bound", "chance"), [(200.0, 0.9), (100.0, 0.5), (400.0, NORMAL.cdf(2 * Z80)), (50.0, 0.1)])
def test_chance_to_keep_a_limit(bound, chance):
    (answer,) = judge([100.0], 2.0, bound=bound, name=LIMIT)
    assert answer.limits == {LIMIT: pytest.approx(chance)}
    assert answer.keeps_limits == pytest.approx(chance)
    assert answer.best == pytest.approx(chance, abs=0.02)  # the only candidate is best when it keeps the limit


def test_a_limit_from_below():
    (answer,) = judge([100.0], 2.0, bound=50.0, minimize=False)
    assert answer.limits["cost"] == pytest.approx(0.9)


def test_limits_with_one_cause_are_kept_together_and_others_apart():
    slow = objective([100.0], 2.0, 200.0, "time_to_first_token")
    costly = objective([100.0], 2.0, 100.0, "cost_per_hour")
    worse = objective([100.0], 2.0, 100.0, "quality_loss", errs_with="recipe")
    score = lambda rows: rows[:, 0]  # noqa: E731
    losses = np.zeros((1, 1))
    (answer,) = certainties([slow, costly], sharing(1), losses, [0, -1], score)
    assert answer.keeps_limits == pytest.approx(0.5)
    (answer,) = certainties([slow, costly, worse], sharing(1), losses, [0, -1, -1], score)
    assert answer.keeps_limits == pytest.approx(0.25)


def test_agrees_with_plain_random_draws():
    random = np.random.default_rng(3)
    count = 9
    values = random.uniform(1, 1.6, count)
    latency = random.uniform(1, 3, count)
    quality = random.uniform(0.95, 1, count)
    spread = random.uniform(1.2, 2, count)
    device, recipe = random.integers(0, 4, count).tolist(), random.integers(0, 3, count).tolist()
    shared = sharing(count, backend=["g"] * count, device=device, recipe=recipe)
    weights = np.array([0.5, 0.3, 0.2])
    cost = objective(values, spread)
    time = objective(latency, spread, 2.8, "latency")
    kept = Uncertain("quality", "recipe", quality, quality - 0.02, quality + 0.01, False, per_doubling=0.1)
    losses = np.column_stack([np.log2(values), np.log2(latency), (1 - quality) / 0.1])
    found = certainties([cost, time, kept], shared, losses, [0, 1, 2], lambda rows: rows @ weights)

    draws = 40_000
    error = (np.sqrt(BACKEND_SHARE) * random.normal(size=(draws, 1))
             + np.sqrt(DEVICE_SHARE) * random.normal(size=(draws, 4))[:, device]
             + np.sqrt(1 - BACKEND_SHARE - DEVICE_SHARE) * random.normal(size=(draws, count)))  # fmt: skip
    factor = np.exp(error * np.log(spread) / Z80)
    poorer = random.normal(size=(draws, 3))[:, recipe] / Z80
    true_quality = quality - np.where(poorer > 0, 0.02 * poorer, 0.01 * poorer)
    score = 0.5 * np.log2(values * factor) + 0.3 * np.log2(latency * factor) + 0.2 * (1 - true_quality) / 0.1
    score[latency * factor > 2.8] = np.inf
    best = np.bincount(score.argmin(axis=1)[np.isfinite(score.min(axis=1))], minlength=count) / draws
    np.testing.assert_allclose([chance.best for chance in found], best, atol=0.02)


def test_too_many_different_errors_are_refused():
    with pytest.raises(ValueError, match="fewer candidates"):
        draw_errors(sharing(60))


def test_a_ranking_knows_how_sure_it_is(advisor):
    ranking = advisor.rank("meta-llama/Llama-3.1-8B", task="serve", request_rate=4, max_ttft="500ms")
    chances = [candidate.certainty for candidate in ranking if candidate.certainty]
    assert 1 < len(chances) < len(ranking)
    assert sum(chance.best for chance in chances) <= 1 + 1e-9
    assert all(chance.keeps_limits == chance.limits[LIMIT] > 0.5 for chance in chances)
    written = ranking.to_dict(limit=3)["candidates"]
    assert written[0]["certainty"]["best"] == pytest.approx(chances[0].best, rel=1e-5)
    assert written[0]["certainty"]["tied_with"] == 1
    assert ranking.to_dict()["candidates"][-1]["certainty"]["best"] is None


def test_without_a_limit_someone_is_best_in_every_draw(advisor):
    ranking = advisor.rank("meta-llama/Llama-3.1-8B", task="batch", rows=1000, ranker="topsis")
    assert sum(candidate.certainty.best for candidate in ranking if candidate.certainty) == pytest.approx(1)
