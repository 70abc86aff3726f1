"""``advisor energy``: parts that add up, kinds of carbon apart, hours and caps."""

import json

import pytest
from click.testing import CliRunner

from advisor.cli.main import cli

RUN = ["meta-llama/Llama-3.1-8B", "--on", "8xh100-sxm", "--task", "finetune", "--tokens", "1B", "--provider", "aws"]


def ask(*words):
    done = CliRunner().invoke(cli, ["energy", *words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def flexible():
    return json.loads(ask(*RUN, "--flexible", "8h", "--region", "us", "--json"))


def test_power_energy_and_carbon_add_up(flexible):
    power = {name: figure["value"] for name, figure in flexible["power"].items()}
    assert power["facility"] == pytest.approx(power["devices"] + power["hosts"] + power["cooling and supply"])
    assert power["facility"] / (power["devices"] + power["hosts"]) == pytest.approx(flexible["place"]["pue"]["value"])
    run_hours = flexible["candidate"]["estimates"]["run_time"]["value"] / 3600
    kwh = flexible["figures"]["energy_kwh"]["value"]
    assert kwh == pytest.approx(power["facility"] * run_hours / 1000, rel=1e-4)
    carbon = {name: figure["value"] for name, figure in flexible["carbon"].items()}
    by_place = kwh * flexible["place"]["grid"]["value"] * flexible["waiting"]["share"]
    assert carbon["operational, location-based"] == pytest.approx(by_place, rel=1e-4)
    total = carbon["operational, location-based"] + carbon["embodied"]
    assert flexible["figures"]["carbon_g"]["value"] == pytest.approx(total, rel=1e-4)
    free = flexible["place"]["carbon_free_share"]["value"]
    assert carbon["operational, market-based"] == pytest.approx(carbon["operational, location-based"] * (1 - free))
    water = flexible["place"]["water_l_per_kwh"]["value"] * kwh / flexible["place"]["pue"]["value"]
    assert flexible["water"]["on site"]["value"] == pytest.approx(water, rel=1e-4)


def test_waiting_names_hours_within_the_window(flexible):
    chosen = flexible["waiting"]["hours_utc_by_submission"]
    assert 0.5 < flexible["waiting"]["share"] <= 1
    for start, hours in chosen.items():
        window = {(int(start[:2]) + ahead) % 24 for ahead in range(13)}
        assert set(hours) <= window


def test_places_are_sorted_by_what_they_emit(flexible):
    emitted = [row["operational, location-based"] for row in flexible["places"]]
    assert len(emitted) > 1
    assert emitted == sorted(emitted)


def test_a_lower_cap_is_slower_and_draws_less(flexible):
    caps = flexible["caps"]
    assert [row["cap_percent"] for row in caps] == [100, 80, 60, 45]
    for name in ("power_w", "speed_share", "energy_share"):
        values = [row[name] for row in caps]
        assert values == sorted(values, reverse=True)
    assert caps[2]["power_w"] <= 8 * 700 * 0.6


def test_for_people_and_without_a_known_day():
    text = ask(*RUN[:-1], "crusoe", "--flexible", "8h", "--region", "iceland")
    assert "no hours are picked" in text
    for part in ("facility", "market-based", "on site", "power cap", "world"):
        assert part in text


def test_flexible_is_refused_quietly_for_a_service():
    done = CliRunner().invoke(cli, ["energy", *RUN[:3], "--request-rate", "2", "--flexible", "8h"])
    assert done.exit_code == 0
    assert "flexible was not applied" in done.output
