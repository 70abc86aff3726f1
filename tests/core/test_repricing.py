"""The same question at other offers answers what a new question with those offers would."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from advisor import Advisor, InputError, Offer, Source, Workload
from advisor.engine import rank

QUESTION = Workload(request_rate=4, max_ttft="500ms", region=["eu"], device=["l4", "a10g", "a100-80gb", "v100"])
MODEL = "Qwen/Qwen2.5-7B"


@pytest.fixture(scope="module")
def ranking(advisor):
    return advisor.rank(MODEL, QUESTION)


def asked_anew(advisor, offers=(), without=()):
    """A ranking by an advisor that has known nothing but these offers."""
    known = {offer.id: offer for offer in advisor.registry.offers} | {offer.id: offer for offer in offers}
    fresh = Advisor(offers=offers)
    fresh.registry._cache["offers"] = [offer for key, offer in known.items() if key not in without]
    return fresh.rank(MODEL, QUESTION)


def answer(ranking):
    return ranking.to_dict(limit=20)


def test_the_winner_becomes_dearer(advisor, ranking):
    before = answer(ranking)
    best = ranking[0].offer
    price = 5 * best.price_usd_per_hour
    changed = ranking.with_offers(prices={best.id: price})
    assert changed[0].offer.id != best.id
    assert answer(changed) == answer(asked_anew(advisor, [best.replace(price_usd_per_hour=price)]))
    assert answer(ranking) == before  # which is as it was
    assert answer(changed.with_offers(prices={best.id: best.price_usd_per_hour})) == before


def test_offers_come_and_go(advisor, ranking):
    best = ranking[0].offer
    new = Offer(id="new/cheap", provider="new", system=ranking[1].system.id, region="eu-new", areas=("eu",),
                price_usd_per_hour=0.01, sources={"list": Source(title="List", date=date(2026, 1, 1))})  # fmt: skip
    changed = ranking.with_offers([new], without=[best.id])
    assert changed[0].offer.provider == "new"
    assert answer(changed) == answer(asked_anew(advisor, [new], {best.id}))


def test_a_system_without_offers_is_gone(advisor, ranking):
    system = ranking[0].system.id
    gone = {offer.id for offer in ranking.context.offer_list if offer.system == system}
    changed = ranking.with_offers(without=gone)
    assert all(candidate.system.id != system for candidate in changed.everything())
    assert [candidate.offer.id for candidate in changed] == [c.offer.id for c in asked_anew(advisor, (), gone)]


def test_an_offer_that_the_question_rules_out_is_not_considered(ranking):
    best = ranking[0].offer
    changed = ranking.with_offers([best.replace(areas=("us",), region="us-1", country="US")])
    assert best.id not in {offer.id for offer in changed.context.offer_list}


def test_nothing_is_read_or_estimated_again(ranking, monkeypatch):
    for backend in ranking.registry.backends.values():
        monkeypatch.setattr(backend, "estimate", lambda *_: pytest.fail("estimated again"))
        monkeypatch.setattr(backend, "memory", lambda *_: pytest.fail("estimated again"))
    assert len(ranking.with_offers(prices={ranking[0].offer.id: 1.0})) == len(ranking)


def test_where_not_every_candidate_was_kept_all_are_estimated_again(advisor, ranking):
    """A ranking that keeps few would miss candidates that only another price brings up."""
    few = rank(dataclasses.replace(ranking.context, warnings=[], left_out={}, _kept={}), advisor.registry, most=300)
    assert few.estimated is None
    assert len(few.rows) < len(ranking.rows)
    best = ranking[0].offer
    changed = few.with_offers(prices={best.id: 5 * best.price_usd_per_hour})
    whole = ranking.with_offers(prices={best.id: 5 * best.price_usd_per_hour})
    assert [candidate.offer.id for candidate in changed][:10] == [candidate.offer.id for candidate in whole][:10]


def test_a_system_that_was_not_on_offer_is_named(advisor, ranking):
    new = Offer(id="new/h100", provider="new", system="1xnvidia-h100-sxm-80gb", region="eu-new", areas=("eu",),
                price_usd_per_hour=0.01, sources={"list": Source(title="List", date=date(2026, 1, 1))})  # fmt: skip
    changed = ranking.with_offers([new])
    assert any("new/h100" in line and "rank again" in line for line in changed.warnings)
    assert [c.offer.id for c in changed] == [c.offer.id for c in ranking]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"prices": {"no/such": 1.0}}, "unknown offer 'no/such'"),
        ({"without": ["no/such"]}, "unknown offer 'no/such'"),
        ({"offers": [Offer(id="x", provider="x", system="no-such", region="eu")]}, "unknown system 'no-such'"),
        ({"prices": {"": -1.0}}, "price_usd_per_hour"),
    ],
)
def test_wrong_offers_are_named(ranking, change, named):
    if "" in change.get("prices", {}):
        change = {"prices": {ranking[0].offer.id: change["prices"][""]}}
    with pytest.raises(InputError, match=named):
        ranking.with_offers(**change)
