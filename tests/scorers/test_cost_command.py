"""``advisor cost`` and what it is made of, against arithmetic done by hand."""

import json

import pytest
from click.testing import CliRunner
from scorer_cases import node, offer, question, table

from advisor.cli.main import cli
from advisor.errors import InputError
from advisor.workload import Workload
from advisor_catalogs.apis import load_token_prices
from advisor_catalogs.currencies import find_currency
from advisor_cost.breakeven import break_even
from advisor_cost.ownership import resale_usd
from advisor_cost.prices import cost_figures
from advisor_cost.scaling import scaled_month
from advisor_cost.scorer import CostScorer
from advisor_cost.terms import Priced
from advisor_cost.tokens import by_the_token, token_prices
from advisor_cost.traffic import Traffic, find_traffic

FREE = {"capital_rate": 0, "maintenance_share": 0, "staff_hours_a_month": 0, "hosting_usd_per_kw_month": 0}


def priced_as(asked, workload, **columns):
    context = question(workload, [asked], system=node(host_power_w=0))
    rows = table(**columns)
    return Priced(asked, context, rows, CostScorer().detail(rows, context))


def test_units_follow_the_day():
    # Busiest hour 16/s on units of 5/s, planned at 80 %: 16/4 = 4 units; half of it 2; a tenth still one.
    traffic = Traffic("t", (1.0,) * 8 + (0.5,) * 8 + (0.1,) * 8, "")
    assert traffic.units(16, 5).tolist() == [4] * 8 + [2] * 8 + [1] * 8
    here = priced_as(offer(), Workload(task="serve", request_rate=16), units=4.0, samples_per_s=20.0, load=0.8)
    month = scaled_month(here, traffic)
    assert month["usd_per_month"] == pytest.approx(2 * 730 * (4 + 2 + 1) / 3)
    assert month["usd_per_month_without"] == pytest.approx(2 * 730 * 4)
    assert month["usd_per_request"] == pytest.approx(2 * 730 * 7 / 3 / (16 * 1.6 / 3 * 730 * 3600))
    assert month["busy_share"] == pytest.approx(16 * 1.6 / (5 * 7))


def test_reserved_systems_are_paid_around_the_clock():
    traffic = find_traffic("office")
    job = Workload(task="serve", request_rate=16)
    here = priced_as(offer(term="reserved-1y"), job, units=4.0, samples_per_s=20.0, load=0.8)
    assert scaled_month(here, traffic)["usd_per_month"] == pytest.approx(4 * 1460)
    with pytest.raises(InputError, match="--request-rate"):
        scaled_month(priced_as(offer(), Workload(task="serve")), traffic)


def test_a_profile_is_a_name_or_24_numbers(tmp_path):
    assert max(find_traffic("consumer").shares) == 1
    file = tmp_path / "day.txt"
    file.write_text("\n".join(str(hour) for hour in range(24)))
    assert find_traffic(str(file)).shares[-1] == 1
    assert find_traffic(str(file)).mean == pytest.approx(0.5)
    with pytest.raises(InputError, match="24 numbers"):
        find_traffic("1,2,3")
    with pytest.raises(InputError, match="did you mean office"):
        find_traffic("ofice")


def test_break_even_by_hand():
    # 8,760 USD that keep their value half a year after year; 1 USD/h of rent; power 0.1 USD/h (0.5 kW at 0.2 USD).
    # After a year in full use: rent 8,760; own 4,380 + 876 = 5,256, and 9,636 paid in all.
    # Buying pays from u: 4,380 / (0.9 x 8,760) = 0.5556 of the hours.
    job = Workload(task="serve", assume={**FREE, "value_lost_a_year": 0.5, "electricity_price": 0.2})
    bought = offer(term="owned", price_usd_per_hour=None, purchase_usd=8760, pue=1.0)
    found = break_even(priced_as(offer(price_usd_per_hour=1.0), job), priced_as(bought, job), use=1.0, years=2)
    year = next(point for point in found.points if point.years == 1)
    assert (year.rent_usd, year.own_usd, year.cash_usd) == pytest.approx((8760, 5256, 9636))
    assert year.least_use == pytest.approx(4380 / (0.9 * 8760))
    # What was paid, 8,760 + 876 t, meets the rent 8,760 t at t = 1/0.9.
    assert found.cash_pays_after_years == pytest.approx(1 / 0.9)
    idle = break_even(priced_as(offer(price_usd_per_hour=1.0), job), priced_as(bought, job), use=0.3, years=2)
    assert idle.pays_after_years is None


def test_resale_of_a_card_as_published():
    # SpotWire's curve of the H100 PCIe: 0.46 after three years, 0.35 after four.
    figures = cost_figures()
    assert resale_usd(30_000, 3, figures)[0] == pytest.approx(0.46 * 30_000, rel=0.02)
    assert resale_usd(30_000, 4, figures)[0] == pytest.approx(0.35 * 30_000, rel=0.02)


def test_tokens_bought_by_the_million():
    # 1,000 tokens in at 0.10 and 500 out at 0.40 USD a million: 0.0003 USD a request; a month of 1/s 788.4 USD.
    price = next(price for price in load_token_prices())
    job = Workload(task="serve", input_tokens=1000, output_tokens=500)
    row = by_the_token(price, job, 730 * 3600, 730.0)
    request = (price.input_usd_per_million * 1000 + price.output_usd_per_million * 500) / 1e6
    assert row["usd_per_request"] == pytest.approx(request)
    assert row["usd_per_month"] == pytest.approx(request * 2_628_000)
    assert row["own_pays_above_requests_per_s"] == pytest.approx(730 / (request * 2_628_000))


def test_prices_by_the_token_have_a_source_and_are_found_by_the_models_name():
    for price in load_token_prices():
        assert price.sources["price"].url.startswith("https://")
        assert 0 < price.input_usd_per_million <= 30
        assert 0 < price.output_usd_per_million <= 100
    names = {price.provider for price in token_prices("meta-llama/Llama-3.1-8B")}
    assert len(names) >= 4
    assert names == {price.provider for price in token_prices("meta-llama/Meta-Llama-3.1-8B-Instruct")}
    assert not token_prices("meta-llama/Llama-3.1")


def test_currencies_are_the_central_banks():
    euro = find_currency("eur")
    assert euro.per_usd == pytest.approx(1 / 1.1172, rel=1e-4)  # 30 October 2026
    assert euro.date == "2026-10-30"
    with pytest.raises(InputError, match="unknown currency"):
        find_currency("EURO")


def ask(*words):
    done = CliRunner().invoke(cli, ["cost", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_breakdown_of_a_service():
    words = ["meta-llama/Llama-3.1-8B", "--on", "1xh100-sxm", "--request-rate", "4", "--traffic", "office"]
    answer = json.loads(ask(*words, "--years", "2", "--json"))
    costs = answer["costs"]
    assert sum(answer["parts"].values()) == pytest.approx(costs["cost_per_month"]["value"])
    assert costs["cost_over_2_years"]["value"] == pytest.approx(24 * answer["traffic"]["usd_per_month"])
    assert {"on-demand", "owned"} <= {term["term"] for term in answer["terms"]}
    assert answer["break_even"]["curve"][-1]["years"] == 2
    prices = [row["usd_per_request"] for row in answer["apis"]]
    assert len(prices) > 3
    assert prices == sorted(prices)
    text = ask(*words)
    for part in ("idle:", "traffic office", "terms for this system", "rent or buy", "by the token"):
        assert part in text


def test_the_breakdown_of_a_run_on_spot():
    words = ["meta-llama/Llama-3.1-8B", "--on", "8xh100-sxm", "--task", "finetune", "--tokens", "100M"]
    words += ["--term", "spot"]
    answer = json.loads(ask(*words, "--json"))
    assert answer["period"] == "run"
    assert sum(answer["parts"].values()) == pytest.approx(answer["costs"]["cost_per_run"]["value"])
    assert answer["parts"]["interruptions"] > 0
    assert {"interruptions", "restart_hours"} <= {item["name"] for item in answer["assumptions"]}
    assert all(item["source"] for item in answer["assumptions"])
    assert not answer["apis"]


def test_another_currency_is_shown_and_a_wrong_one_refused():
    words = ["meta-llama/Llama-3.1-8B", "--on", "1xh100-sxm", "--request-rate", "4"]
    assert "EUR" in ask(*words, "--currency", "eur")
    wrong = CliRunner().invoke(cli, ["cost", *words, "--currency", "doubloon"])
    assert wrong.exit_code == 2


def test_hardware_that_one_has_costs_its_value_and_its_power(tmp_path):
    # 350,400 USD over 4 years are 10 USD/h; electricity comes on top.
    file = tmp_path / "inventory.toml"
    file.write_text('[[owned]]\ndevice = "h100"\ncount = 8\nregion = "de"\npurchase_usd = 350400\n')
    words = ["meta-llama/Llama-3.1-8B", "--on", "8xh100", "--owned", str(file), "--request-rate", "10"]
    answer = json.loads(ask(*words, "--json"))
    assert answer["candidate"]["offer"]["provider"] == "owned"
    assert answer["parts"]["rent"] == pytest.approx(7300)
    assert answer["parts"]["electricity"] > answer["parts"]["cooling and supply"] > 0
    assert "owned" in ask(*words)
