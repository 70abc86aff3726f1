"""Cost against arithmetic done by hand."""

import numpy as np
import pytest
from scorer_cases import FakeGrid, classifier, ends, node, offer, question, scored, table, value

from advisor.errors import InputError
from advisor.workload import Workload
from advisor_cost.prices import cost_figures, prices
from advisor_cost.scorer import CostScorer

AT_ONCE = {"start_hours": 0.0}
SERVE = Workload(task="serve", output_tokens=100)


def aspect(context, name="cost"):
    return [objective.name for objective in CostScorer().objectives(context) if objective.aspect == name]


def test_serving_without_a_rate_costs_by_the_token():
    # 2 USD/h, 5 requests/s of 100 tokens: 1.8M tokens/h, so 2/1.8 USD a million.
    context = question(SERVE, [offer()])
    scores = scored(CostScorer(), table(samples_per_s=(5.0, 4.0, 8.0)), context)
    assert value(scores, "cost_per_million_tokens") == pytest.approx(2 / 1.8)
    assert ends(scores, "cost_per_million_tokens") == pytest.approx((2 / 2.88, 2 / 1.44))
    assert value(scores, "cost_per_request") == pytest.approx(2 / 18000)
    assert value(scores, "cost_per_month") == pytest.approx(1460)
    assert ends(scores, "cost_per_month") == pytest.approx((1460, 1460))
    assert aspect(context) == ["cost_per_million_tokens"]


def test_a_request_rate_makes_the_month_the_cost_and_low_load_dear_by_the_token():
    # One unit does 10/s and is asked 2/s: 730 h x 2 USD; 2/s x 100 x 3600 = 0.72M tokens/h.
    context = question(Workload(task="serve", output_tokens=100, request_rate=2), [offer()])
    rows = table(samples_per_s=(10.0, 8.0, 12.0), load=0.2)
    scores = scored(CostScorer(), rows, context)
    assert aspect(context) == ["cost_per_month"]
    assert value(scores, "cost_per_month") == pytest.approx(1460)
    assert ends(scores, "cost_per_month") == pytest.approx((1460, 1460))  # 8/s still carries 2/s
    assert value(scores, "cost_per_million_tokens") == pytest.approx(2 / 0.72)
    assert next(o.limited_by for o in CostScorer().objectives(context) if o.name == "cost_per_month") == "budget"


def test_units_that_an_error_of_the_throughput_would_add_or_save_are_whole():
    # 4 units do 20/s and are asked 18/s. At half the throughput it takes 4 x 0.9 x 2 = 7.2, so 8 units;
    # at twice the throughput 2 would do.
    context = question(Workload(task="serve", output_tokens=100, request_rate=18), [offer()])
    rows = table(samples_per_s=(20.0, 10.0, 40.0), load=0.9, units=4.0)
    scores = scored(CostScorer(), rows, context)
    assert value(scores, "cost_per_month") == pytest.approx(4 * 1460)
    assert ends(scores, "cost_per_month") == pytest.approx((2 * 1460, 8 * 1460))


def test_a_run_costs_all_nodes_of_all_units():
    # 3 nodes x 2 units x 2 USD/h x (10 h + 0.5 h to start) = 126 USD; 1,000,000 rows at 27.78/s.
    context = question(Workload(task="batch", rows=1_000_000, assume={"start_hours": 0.5}), [offer()], classifier())
    rows = table(nodes=3, units=2.0, run_time=(36000.0, 30000.0, 50000.0), samples_per_s=1e6 / 36000)
    scores = scored(CostScorer(), rows, context)
    assert value(scores, "cost_per_hour") == pytest.approx(12)
    assert value(scores, "cost_per_run") == pytest.approx(126)
    assert ends(scores, "cost_per_run") == pytest.approx((106, 6 + 12 * 50000 / 3600))
    assert float(scores.parts["cost_per_run"]["starting"][0]) == pytest.approx(6)
    assert value(scores, "cost_per_thousand_samples") == pytest.approx(0.12)
    assert aspect(context) == ["cost_per_run"]


def test_a_job_without_an_end_costs_by_the_sample_and_says_that_a_budget_does_not_bind():
    context = question(Workload(task="batch", budget=100), [offer()], classifier())
    scores = scored(CostScorer(), table(samples_per_s=10.0), context)
    assert value(scores, "cost_per_thousand_samples") == pytest.approx(2 / 36)
    assert aspect(context) == ["cost_per_thousand_samples"]
    assert any("budget" in line for line in context.warnings)


def test_bought_hardware_pays_for_its_value_its_upkeep_its_place_and_its_power():
    # 35,040 USD over 4 years of 8,760 h, half of its value lost a year: 2,190 left, so 32,850/35,040 = 0.9375 USD/h.
    # Capital 0.08 x (35,040 + 2,190)/2 / 8,760 = 0.17; maintenance 0.05 x 35,040 / 8,760 = 0.2; staff 2 x 66 / 730.
    # 700 W of board and 1,300 W of host are 2 kW: 2 x 217.3 / 730. Power: 500 W + 1,300 W, PUE 1.25, 0.2 USD/kWh.
    bought = offer(term="owned", price_usd_per_hour=None, purchase_usd=35040, lifetime_years=4, pue=1.25,
                   attributes={"price_usd_per_kwh": "0.2"})  # fmt: skip
    job = Workload(task="serve", output_tokens=100, assume={"value_lost_a_year": 0.5})
    context = question(job, [bought], system=node(host_power_w=1300))
    scores = scored(CostScorer(), table(), context)
    parts = {name: float(part[0]) for name, part in scores.parts["cost_per_hour"].items()}
    assert parts == pytest.approx({
        "rent": 0, "depreciation": 0.9375, "capital": 0.17, "maintenance": 0.2, "staff": 132 / 730,
        "hosting": 434.6 / 730, "electricity": 0.36, "cooling and supply": 0.09,
    })  # fmt: skip
    assert value(scores, "cost_per_hour") == pytest.approx(sum(parts.values()))


def test_what_a_wall_socket_feeds_needs_no_data_centre():
    bought = offer(term="owned", price_usd_per_hour=None, purchase_usd=10000)
    small = scored(CostScorer(), table(), question(SERVE, [bought], system=node(host_power_w=700)))
    large = scored(CostScorer(), table(), question(SERVE, [bought], system=node(host_power_w=800)))
    assert "hosting" not in small.parts["cost_per_hour"]  # 1,400 W
    assert float(large.parts["cost_per_hour"]["hosting"][0]) == pytest.approx(1.5 * 217.3 / 730)


def test_storage_and_egress_cost_what_the_provider_asks():
    # Weights of 64 parameters in 16 bits: 1.28e-7 GB at 730,000 USD a GB and month are 1.28e-4 USD/h.
    # 2 requests/s of 100 tokens of 200 B: 0.144 GB/h at 0.5 USD.
    asked = offer(attributes={"storage_usd_per_gb_month": "730000", "egress_usd_per_gb": "0.5"})
    context = question(Workload(task="serve", output_tokens=100, request_rate=2), [asked, offer()])
    scores = scored(CostScorer(), table(2, samples_per_s=10.0, load=0.2, offer=[0, 1]), context)
    assert scores.parts["cost_per_hour"]["storage"].tolist() == pytest.approx([1.28e-4, 0])
    assert scores.parts["cost_per_hour"]["egress"].tolist() == pytest.approx([0.072, 0])
    assert scores.values["cost_per_month"][0].tolist() == pytest.approx([730 * 2.072128, 1460])


def test_an_assumption_is_checked_and_taken_as_exact():
    spot = offer(term="spot")
    job = Workload(task="train", rows=1000, assume={
        "interruptions": 0.01, "restart_hours": 1, "checkpoint_hours": 0, **AT_ONCE})  # fmt: skip
    scores = scored(CostScorer(), table(), question(job, [spot]))
    assert value(scores, "cost_per_run") == pytest.approx(2 * 1.01)
    assert ends(scores, "cost_per_run") == pytest.approx((2 * 1.01, 2 * 1.01))
    with pytest.raises(InputError, match="restart_hours: expected"):
        scored(CostScorer(), table(), question(Workload(task="train", assume={"restart_hours": -1}), [spot]))


def test_a_job_bears_its_part_of_the_hours_in_which_committed_hardware_waits():
    # In use 80 % of the time: an hour of work pays for 1.25 hours of a 2 USD reservation.
    reserved = offer(term="reserved-1y", attributes={"utilization": "0.8"})
    offers = [reserved, offer(term="reserved-3y"), offer()]
    context = question(Workload(task="train", rows=10, assume=AT_ONCE), offers)
    scores = scored(CostScorer(), table(3, offer=[0, 1, 2]), context)
    costs, low, high = scores.values["cost_per_run"]
    assert costs.tolist() == pytest.approx([2.5, 2 / cost_figures()["committed_use"].value, 2.0])
    assert low[1] < costs[1] < high[1]
    served = scored(CostScorer(), table(3, offer=[0, 1, 2]), question(SERVE, offers))
    assert served.values["cost_per_hour"][0].tolist() == [2, 2, 2]


def test_hardware_that_one_has_costs_its_power_alone():
    owned = offer(term="owned", price_usd_per_hour=0, purchase_usd=30000, pue=1.0, on_premises=True,
                  attributes={"price_usd_per_kwh": "0.3"})  # fmt: skip
    context = question(SERVE, [owned], system=node(host_power_w=500))
    scores = scored(CostScorer(), table(), context)
    assert value(scores, "cost_per_hour") == pytest.approx(0.3)


def test_the_price_of_electricity_is_the_offers_then_the_grids_then_the_default():
    grids = {"g": FakeGrid(100, 0.25)}
    own = {"attributes": {"price_usd_per_kwh": "0.4"}, "grid": "g"}
    asked = prices(question(SERVE, [offer(**own), offer(grid="g"), offer(grid="elsewhere")]), grids)
    assert asked.per_kwh.value[:3] == pytest.approx([0.4, 0.25, cost_figures()["electricity_price"].value])
    assert asked.per_kwh.low[0] == asked.per_kwh.high[0]
    assert asked.per_kwh.low[2] < asked.per_kwh.value[2] < asked.per_kwh.high[2]


def test_spot_pays_for_restarts_and_checkpoints():
    # 0.01 interruptions/h of each of 4 nodes. Restart 0.17 h; checkpoints sqrt(2 x 0.017 x 0.04).
    spot = offer(term="spot", attributes={"interruptions_per_hour": "0.01"})
    steady = offer()
    context = question(Workload(task="train", rows=1000, assume=AT_ONCE), [spot, steady])
    rows = table(2, offer=[0, 1], nodes=4)
    scores = scored(CostScorer(), rows, context)
    costs, low, high = scores.values["cost_per_run"]
    assert costs[0] / costs[1] == pytest.approx(1 + 0.04 * 0.17 + np.sqrt(2 * 0.017 * 0.04))
    assert low[0] < costs[0] < high[0]
    assert scores.parts["cost_per_run"]["rent"].tolist() == pytest.approx([8, 8])
    assert scores.parts["cost_per_run"]["interruptions"].tolist() == pytest.approx([costs[0] - 8, 0])
    assert low[1] == costs[1] == high[1]
    assert scores.values["cost_per_hour"][0][0] == pytest.approx(8)


def test_an_unknown_offer_has_no_cost_and_an_unpriced_one_is_left_out():
    context = question(SERVE, [offer(), offer(price_usd_per_hour=None)])
    scores = scored(CostScorer(), table(3, offer=[0, 1, -1]), context)
    assert np.isnan(scores.values["cost_per_month"][0]).tolist() == [False, False, True]
    (mask, reason), = scores.exclusions
    assert mask.tolist() == [False, True, False]
    assert "no price" in reason


def test_a_wrong_attribute_is_named():
    with pytest.raises(InputError, match=r"price_usd_per_kwh.*'cheap'"):
        prices(question(SERVE, [offer(attributes={"price_usd_per_kwh": "cheap"})]), {})


def test_a_served_classifier_costs_by_the_request():
    context = question(Workload(task="serve"), [offer()], classifier())
    scored(CostScorer(), table(), context)
    assert aspect(context) == ["cost_per_request"]
