"""Hardware that the user has, in an inventory file."""

import json

import pytest
from cli_toy import Toy

from advisor import Advisor, InputError
from advisor.inventory import read_inventory

STOCK = """
[[owned]]
name = "basement"
device = "LARGE"
count = 2
nodes = 3
region = "de"
price_usd_per_kwh = 0.2
pue = 1.3
"""


def write(tmp_path, text):
    path = tmp_path / "inventory.toml"
    path.write_text(text)
    return path


@pytest.fixture
def registry():
    return Advisor([Toy()], discover=False).registry


def test_entry_becomes_a_system_and_an_offer(tmp_path, registry):
    stock = read_inventory(write(tmp_path, STOCK), registry)
    (system,), (offer,) = stock.systems, stock.offers
    assert (system.device, system.device_count, system.max_nodes) == ("toy-large", 2, 3)
    assert (offer.term, offer.tenancy, offer.on_premises, offer.price_usd_per_hour) == ("owned", "own", True, 0)
    assert (offer.max_systems, offer.pue, offer.attributes) == (3, 1.3, {"price_usd_per_kwh": "0.2"})
    assert (offer.country, offer.grid) == ("DE", "eu-1")  # as the offers there have it
    assert {"de", "eu", "on-premises"} <= set(offer.areas)


def test_only_owned_hardware_unless_renting_is_allowed(run, tmp_path):
    path = write(tmp_path, STOCK)
    alone = json.loads(run("rank", "toy4", "--owned", path, "--json").stdout)["candidates"]
    assert {candidate["offer"]["provider"] for candidate in alone} == {"owned"}
    both = json.loads(run("rank", "toy4", "--owned", path, "--also-rent", "--json").stdout)["candidates"]
    assert {candidate["offer"]["provider"] for candidate in both if candidate["offer"]} == {"owned", "acme"}
    estimate = run("estimate", "toy4", "--owned", path, "--on", "basement")
    assert "owned de" in estimate.stdout
    filtered = run("rank", "toy4", "--owned", path, "--region", "eu", "--on-premises")
    assert "2 x Toy Large" in filtered.stdout


def test_purchase_is_written_off(tmp_path, registry):
    text = '[[owned]]\ndevice = "small"\npurchase_usd = 35040\nlifetime_years = 4\n'
    (offer,) = read_inventory(write(tmp_path, text), registry).offers
    assert offer.price_usd_per_hour == pytest.approx(1.0)
    assert "any" in offer.areas  # no place is named, so none excludes it


def test_device_of_ones_own(run, tmp_path):
    text = """
[[device]]
id = "lab"
name = "Lab Board"
vendor = "lab"
kind = "gpu"
backend = "toy"
memory_gib = 16
memory_bandwidth_gb_per_s = 500
peak_tflops = { bf16 = 50 }
board_power_w = 100

[[owned]]
device = "lab"
"""
    result = run("rank", "toy4", "--owned", write(tmp_path, text))
    assert result.exit_code == 0, result.output
    assert "1 x Lab Board" in result.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no [[owned]] table"),
        ("[[owned]]\ndevice = 'lrage'", "owned[1].device: unknown device 'lrage'; did you mean large"),
        ("[[owned]]\ndevice = 'large'\ncuont = 2", "owned[1]: cuont: no such field; did you mean count"),
        ("[[owned]]\ndevice = 'large'\ncount = 0", "owned[1]: count: "),
        ("[[owned]]\ndevice = 'large'\npue = -1", "owned[1]: pue: "),
        ("[[onwed]]\ndevice = 'large'", "did you mean owned"),
        ("owned = 3", "array of tables"),
        ("[[device]]\nid = 'x'\n[[owned]]\ndevice = 'x'", "device[1]: name: "),
        ("[[owned", "not a valid TOML file"),
    ],
)
def test_wrong_inventories_are_placed(tmp_path, registry, text, words):
    with pytest.raises(InputError) as error:
        read_inventory(write(tmp_path, text), registry)
    assert words in str(error.value)
    assert "inventory.toml" in str(error.value)
    assert "\n" not in str(error.value)
