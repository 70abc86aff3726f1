"""Where the winner changes: by hand, against the question asked again, and what would make a wish feasible."""

import numpy as np
import pytest

from advisor import Advisor
from advisor.ranking.relaxations import relaxations
from advisor.ranking.sensitivity import bisected, tipping_weight
from advisor.ranking.tipping import tippings
from advisor.ranking.traffic import traffic_tippings

MODEL = "meta-llama/Llama-3.1-8B"
SERVE = {"task": "serve", "request_rate": 4, "max_ttft": "500ms", "region": ("eu",), "kind": ("gpu",)}


@pytest.fixture(scope="module")
def ranking(advisor):
    return advisor.rank(MODEL, **SERVE)


def winner(ranking):
    return ranking.best.device.id, ranking.best.offer.provider


def other(candidate):
    return candidate.device.id, candidate.offer.provider


def test_weight_by_hand():
    # losses (0, 1) and (1, 0): the first wins while the weight of the first objective is above 0.5
    losses, weights = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.8, 0.2])
    assert tipping_weight(losses, weights, 0, np.array([0, 1]), up=False) == (pytest.approx(0.5), 1)
    assert tipping_weight(losses, weights, 1, np.array([0, 1]), up=True) == (pytest.approx(0.5), 1)
    assert tipping_weight(losses, weights, 0, np.array([0, 1]), up=True) is None
    assert tipping_weight(losses, weights, 0, np.array([0, 0]), up=False) is None  # the same alternative


def test_a_winner_that_changes_within_its_group_is_followed():
    # at 0.5 the first gives way to its own kind, which loses to the third only at 1/3
    losses = np.array([[0.0, 1.0], [0.4, 0.6], [1.0, 0.3]])
    found = tipping_weight(losses, np.array([0.9, 0.1]), 0, np.array([7, 7, 8]), up=False)
    assert found == (pytest.approx(1 / 3), 2)


def test_weights_agree_with_trying_them_all():
    random = np.random.default_rng(4)
    for _ in range(40):
        losses = random.exponential(1, (60, 4))
        weights = random.dirichlet(np.ones(4))
        order = np.argsort(losses @ weights)
        losses, groups = losses[order], random.integers(0, 8, 60)
        for up in (False, True):
            found = tipping_weight(losses, weights, 2, groups, up)
            places = np.linspace(weights[2], 1.0 if up else 0.0, 4001)[1:-1]
            for place in places:
                other_weights = weights * (1 - place) / (1 - weights[2])
                other_weights[2] = place
                if groups[np.argmin(losses @ other_weights)] != groups[0]:
                    assert found is not None
                    assert found[0] == pytest.approx(place, abs=1 / 3000)
                    break
            else:
                assert found is None or abs(found[0] - places[-1]) < 1 / 3000


def test_bisection_ends_beyond_the_change():
    at = bisected(lambda amount: amount > 3.7, 1.0, 8.0)
    assert at == pytest.approx(3.7)
    assert at > 3.7
    assert bisected(lambda amount: amount < 0.3, 1.0, 0.1) == pytest.approx(0.3)


def test_weights_at_which_the_question_asked_again_has_another_answer(advisor, ranking):
    found = [tipping for tipping in tippings(ranking, ask_again=False) if tipping.kind == "weight"]
    assert {"cost", "latency"} <= {tipping.name for tipping in found}
    for tipping in found:
        for share, expected in ((1.001, other(tipping.candidate)), (0.999, winner(ranking))):
            at = tipping.now + (tipping.at - tipping.now) * share
            rest = {name: weight * (1 - at) / (1 - tipping.now) for name, weight in ranking.weights.items()}
            again = advisor.rank(MODEL, **SERVE, weights=rest | {tipping.name: at})
            assert winner(again) == expected


def test_prices_at_which_the_question_asked_again_has_another_answer(advisor, ranking):
    found = [tipping for tipping in tippings(ranking, ask_again=False) if tipping.kind == "price"]
    assert found[0].candidate is not None
    offers = {offer.id: offer for offer in advisor.registry.offers}
    risen = [tipping for tipping in found if tipping.name == ranking.best.offer.id]
    for tipping in [*risen, *[each for each in found if each not in risen][:2]]:
        for share, changes in ((1.02, True), (0.98, False)):
            price = tipping.now * (tipping.at / tipping.now) ** share
            changed = Advisor(offers=[offers[tipping.name].replace(price_usd_per_hour=price)])
            again = changed.rank(MODEL, **SERVE)
            assert (again.best.offer.id != ranking.best.offer.id) == changes


def test_traffic_at_which_the_question_asked_again_has_another_answer(advisor):
    busy = SERVE | {"request_rate": 40}
    ranking = advisor.rank(MODEL, **busy)
    found = traffic_tippings(ranking)
    assert found
    for tipping in found:
        assert tipping.kind == "traffic"
        short = tipping.at / 1.03 if tipping.at > 40 else tipping.at * 1.03
        beyond = advisor.rank(MODEL, **{**busy, "request_rate": tipping.at})
        before = advisor.rank(MODEL, **{**busy, "request_rate": short})
        assert winner(beyond) == other(tipping.candidate) != winner(ranking)
        assert winner(before) == winner(ranking)


def test_tippings_are_sorted_and_written(ranking):
    answer = ranking.explain().to_dict()["tippings"]
    assert {"weight", "price"} <= {tipping["kind"] for tipping in answer}
    for tipping in answer:
        assert tipping["side"] == ("above" if tipping["at"] >= tipping["now"] else "below")
    changes = [tipping.change for tipping in ranking.explain().tippings]
    assert changes == sorted(changes)


def test_weights_of_a_ranker_that_is_no_weighted_sum(advisor):
    ranking = advisor.rank(MODEL, **SERVE, ranker="topsis")
    found = [tipping for tipping in tippings(ranking, ask_again=False) if tipping.kind == "weight"]
    assert found
    for tipping in found[:3]:
        further = 0.004 if tipping.at > tipping.now else -0.004
        for at, changes in ((tipping.at, True), (tipping.at - further, False)):
            rest = {name: weight * (1 - at) / (1 - tipping.now) for name, weight in ranking.weights.items()}
            again = advisor.rank(MODEL, **SERVE, ranker="topsis", weights=rest | {tipping.name: at})
            assert (winner(again) != winner(ranking)) == changes


def test_the_smallest_relaxation_is_enough(advisor):
    wish = {**SERVE, "max_ttft": "1ms"}
    (line,) = relaxations(advisor.rank(MODEL, **wish), ask_again=True)
    needed = line.removeprefix("time_to_first_token: ").split(" instead")[0]
    value = float(needed.split()[0]) * {"ms": 1e-3, "s": 1.0}[needed.split()[1]]
    assert advisor.rank(MODEL, **{**wish, "max_ttft": value * 1.01}).feasible_count
    assert not advisor.rank(MODEL, **{**wish, "max_ttft": value * 0.94}).feasible_count


def test_limits_that_must_be_relaxed_together_are_named_together(advisor):
    lines = relaxations(advisor.rank(MODEL, **{**SERVE, "max_ttft": "1ms", "budget": 1}))
    assert lines
    assert all("time_to_first_token" in line and "cost_per_month" in line and "together" in line for line in lines)


def test_where_nothing_fits_the_missing_memory_is_named(advisor):
    lines = relaxations(advisor.rank("meta-llama/Llama-3.1-405B", device=("rtx-3070",)))
    assert len(lines) == 1
    assert "does not fit in memory" in lines[0]
