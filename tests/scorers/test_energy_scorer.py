"""Energy and carbon against arithmetic done by hand, and the arithmetic of intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scorer_cases import accelerator, classifier, node, offer, question, scored, table, value

from advisor.workload import Workload
from advisor_cost.scorer import CostScorer
from advisor_energy.demand import units_needed
from advisor_energy.figures import energy_figures
from advisor_energy.intervals import Interval
from advisor_energy.places import places
from advisor_energy.scorer import EnergyScorer
from advisor_energy.sight import Sight
from advisor_energy.waiting import LENGTHS, cleanest, saved_shares
from advisor_privacy.scorer import PrivacyScorer


def at(grid="coal", **more):
    return offer(**{"grid": grid, "pue": 1.25, **more})


def test_a_runs_carbon_is_power_times_time_times_grid_plus_manufacture():
    # (500 + 300) W x 1.25 = 1 kW for 10 h: 10 kWh, at 800 g/kWh 8,000 g.
    # Manufacture: 175.2 kg, and 1,401.6/8 kg of the server around it, over 4 x 8,760 h: 10 g/h, 100 g in 10 h.
    job = Workload(task="batch", rows=36_000, assume={"embodied_host": 1401.6})
    context = question(job, [at()], classifier(),
                       accelerator(embodied_kg_co2e=175.2), node(host_power_w=300))  # fmt: skip
    scores = scored(EnergyScorer(), table(run_time=36000.0), context)
    assert value(scores, "energy_kwh") == pytest.approx(10)
    assert value(scores, "carbon_g") == pytest.approx(8100)
    parts = {name: float(part[0]) for name, part in scores.parts["carbon_g"].items()}
    assert parts == pytest.approx({"devices": 4000, "host": 2400, "facility overhead": 1600, "embodied": 100})
    assert value(scores, "energy_per_sample") == pytest.approx(1000)  # 1 kW at 1 sample/s
    assert value(scores, "carbon_per_million_samples") == pytest.approx(1e6 * (1000 / 3.6e6 * 800 + 10 / 3600))


def test_manufacture_of_blooms_cluster():
    # Luccioni et al. 2022, section 4.1: 1,082,990 GPU hours on servers of 8 A100 that live 6 years and are used
    # 85 % of the time; 150 kg a GPU and 2,500 kg a server come to 11.2 tonnes.
    hours = 1_082_990 / 8
    used = offer(lifetime_years=6 * 0.85)
    context = question(Workload(task="batch", rows=10), [used], classifier(), accelerator(embodied_kg_co2e=150),
                       node(device_count=8))  # fmt: skip
    rows = table(device_count=8, power=0.0, run_time=hours * 3600)
    scores = scored(EnergyScorer(), rows, context)
    assert value(scores, "carbon_g") / 1e6 == pytest.approx(11.2, rel=0.01)


def test_waiting_runs_in_the_cleanest_hours_of_the_window():
    # Half of the day at 0.5, half at 1.5. A 12-hour job that may end 12 hours later always finds 12 clean hours.
    day = (0.5,) * 12 + (1.5,) * 12
    twelve = list(LENGTHS).index(12)
    assert saved_shares(day, 12.0)[twelve] == pytest.approx(0.5)
    assert saved_shares(day, 0.25)[list(LENGTHS).index(24)] == pytest.approx(1, abs=0.01)
    assert cleanest(day, 6.0, 2.0, 6.0).tolist() == list(range(8))  # at 6 o'clock it is clean: it starts at once
    assert cleanest(day, 18.0, 1.0, 8.0).tolist() == [24, 25, 26, 27]  # from 18 o'clock it waits until midnight
    shares = [saved_shares(day, slack) for slack in (1.0, 4.0, 12.0)]
    assert (np.diff(shares, axis=0) <= 1e-12).all()


def test_a_flexible_job_takes_less_carbon_where_the_grids_day_is_known():
    job = {"task": "batch", "rows": 36_000}
    rows = table(2, offer=[0, 1], run_time=3 * 3600.0)
    at_once, later = (scored(EnergyScorer(), rows, question(Workload(**job, **more), [at("US-CAL-CISO"), at("IS")],
                                                             classifier())).values["carbon_g"][0]
                      for more in ({}, {"flexible": "12h"}))  # fmt: skip
    assert later[0] < 0.85 * at_once[0]
    assert later[1] == at_once[1]


def test_a_power_budget_is_of_devices_and_hosts():
    context = question(Workload(task="serve", power_budget=900), [at()], system=node(host_power_w=500))
    scores = scored(EnergyScorer(), table(), context)
    assert value(scores, "machine_power") == pytest.approx(1000)
    assert {o.limited_by for o in EnergyScorer().objectives(context)} == {"", "power_budget"}


def test_serving_counts_joules_a_token_at_the_actual_load():
    # Capacity 10/s, asked 2/s of 100 tokens: 200 tokens/s from 1 kW are 5 J a token. 730 h: 730 kWh.
    # The host idles at half of its 400 W and draws the other half by load: 200 + 0.2 x 200 = 240 W.
    context = question(Workload(task="serve", output_tokens=100, request_rate=2), [at(pue=1.0)],
                       system=node(host_power_w=400))  # fmt: skip
    scores = scored(EnergyScorer(), table(samples_per_s=10.0, load=0.2, power=760.0), context)
    assert value(scores, "energy_per_token") == pytest.approx(5)
    assert value(scores, "energy_kwh") == pytest.approx(730)
    aspects = {o.aspect: o.name for o in EnergyScorer().objectives(context) if o.aspect}
    assert aspects == {"energy": "energy_kwh", "carbon": "carbon_g"}


def test_without_a_rate_the_aspects_are_by_token():
    context = question(Workload(task="serve"), [at()])
    aspects = {o.aspect: o.name for o in EnergyScorer().objectives(context) if o.aspect}
    assert aspects == {"energy": "energy_per_token", "carbon": "carbon_per_million_tokens"}


def test_an_unknown_host_is_a_share_of_the_devices():
    share = energy_figures()["host_share"].value
    context = question(Workload(task="serve"), [at(pue=1.0)])
    scores = scored(EnergyScorer(), table(power=1000.0), context)
    assert value(scores, "energy_kwh") == pytest.approx(730 * (1 + share))


def test_clean_grids_win_and_an_unknown_grid_is_wide():
    context = question(Workload(task="serve"), [at("coal"), at("hydro"), at("nowhere")])
    scores = scored(EnergyScorer(), table(4, offer=[0, 1, 2, -1]), context)
    carbon, low, high = scores.values["carbon_g"]
    assert carbon[1] < carbon[3] < carbon[0]
    assert (high / low)[2] > 2 * (high / low)[0]
    assert np.isfinite(carbon).all()
    assert any("unknown grid" in line for line in context.warnings)


def test_places_fall_back_on_sourced_defaults():
    found = places([offer(pue=1.1), offer()], {})
    assert found.pue.value.tolist() == [1.1, 1.54, 1.54]
    assert found.pue.low[0] == found.pue.high[0] == 1.1
    assert found.intensity.value.tolist() == [481.0] * 3


def test_every_default_has_a_source_and_an_order():
    for figure in energy_figures().values():
        assert figure.source
        assert figure.date
        assert figure.low <= figure.value <= figure.high


def test_products_add_relative_widths_in_quadrature():
    one = Interval(np.array([10.0]), np.array([10 / 1.3]), np.array([13.0]))
    two = Interval(np.array([2.0]), np.array([2 / 1.4]), np.array([2.8]))
    product = one * two
    assert product.value == pytest.approx(20)
    assert product.high == pytest.approx(20 * 1.5)
    assert product.low == pytest.approx(20 / 1.5)
    assert (one * 3).high == pytest.approx(39)
    assert (one / two).high == pytest.approx(5 * 1.5)
    assert (one + two).low == pytest.approx(10 / 1.3 + 2 / 1.4)
    assert (Interval.exact(0.0) * two).value == 0


positive = st.floats(0.01, 1e4)


@st.composite
def estimates(draw):
    middle = draw(positive)
    low = draw(st.sampled_from([0.0, 1.0])) * middle / draw(st.floats(1, 10))
    return middle, low, middle * draw(st.floats(1, 10))


@settings(deadline=None)
@given(estimates(), estimates(), estimates(), st.floats(0.01, 1), st.integers(1, 50), st.sampled_from([None, 3.0]),
       st.sampled_from(["spot", "on-demand", "owned"]))  # fmt: skip
def test_low_value_and_high_are_in_order(rate, power, time, load, units, request_rate, term):
    priced = offer(term=term, purchase_usd=1e5 if term == "owned" else None)
    rows = table(samples_per_s=rate, power=power, run_time=time, load=load, units=float(units), nodes=2)
    for workload in (Workload(task="serve", request_rate=request_rate), Workload(task="train", rows=10)):
        context = question(workload, [priced])
        scored(CostScorer(), rows, context)
        scored(EnergyScorer(), rows, context)
        needed = units_needed(Sight(rows, context, ends=True))
        assert (needed.low <= needed.value).all()
        assert (needed.value <= needed.high).all()


def test_a_system_that_no_one_offers_still_has_energy():
    context = question(Workload(task="serve"), [])
    rows = table(2, offer=[-1, -1])
    assert np.isfinite(scored(EnergyScorer(), rows, context).values["carbon_g"][0]).all()
    assert np.isnan(scored(CostScorer(), rows, context).values["cost_per_month"][0]).all()
    assert np.isnan(scored(PrivacyScorer(), rows, context).values["privacy"][0]).all()
