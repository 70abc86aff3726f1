"""A slip of a unit or digit in a figure is found: by its range, by the memory's width, by units and clock."""

import pytest

from advisor.devices import Device
from advisor_catalogs.loading import load_devices, load_offers
from advisor_catalogs.physics import physics_problems
from advisor_catalogs.ranges import range_problems

DEVICES = {device.id: device for device in load_devices()}


def changed(name, **figures):
    return Device.checked({**DEVICES[name].as_dict(), **figures})


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("memory_gib", 81559),  # MiB
        ("memory_bandwidth_gb_per_s", 3.352),  # TB/s
        ("board_power_w", 0.7),  # kW
        ("clock_ghz", 1830),  # MHz
        ("idle_power_w", 70_000),  # mW
        ("peak_tflops", {"fp16": 989_400}),  # GFLOP/s
        ("cache_mib", 51_200),  # KiB
    ],
)
def test_a_wrong_unit_is_outside_of_its_range(figure, value):
    (problem,) = range_problems("device", changed("nvidia-h100-sxm-80gb", **{figure: value}))
    assert problem.startswith(figure)
    assert "is the unit right?" in problem


@pytest.mark.parametrize("name", ["nvidia-h100-sxm-80gb", "groq-lpu-v1-230mb", "raspberry-pi-4-8gb"])
def test_true_figures_are_inside(name):
    assert list(range_problems("device", DEVICES[name])) == []


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("nvidia-rtx-4090-24gb", 10_080),  # a digit too many
        ("amd-radeon-rx-6800-xt-16gb", 5.12),  # two digits too few
        ("intel-xeon-8580", 716.8),  # channels counted twice: 11,200 MT/s
        ("nvidia-h100-sxm-80gb", 33_520),
        ("apple-m4-max-128gb", 54.6),
    ],
)
def test_a_memory_rate_needs_a_memory_that_has_it(name, rate):
    problems = " ".join(physics_problems(changed(name, memory_bandwidth_gb_per_s=rate)))
    assert "is no transfer rate of any memory" in problems


def test_one_fma_unit_or_two_is_accepted_but_not_three():
    assert list(physics_problems(DEVICES["intel-xeon-5218t"])) == []
    wrong = changed("intel-xeon-5218t", peak_tflops={"fp32": 16 * 2.7e-3 * 96})
    assert "fp32" in " ".join(physics_problems(wrong))


def test_most_accelerators_say_how_wide_their_memory_is():
    cards = [device for device in DEVICES.values() if device.kind == "gpu"]
    assert sum("memory_bus_bits" in device.extra for device in cards) >= 0.85 * len(cards)


def test_no_price_is_from_sample_data():
    for offer in load_offers():
        assert all("sample" not in source.title.lower() for source in offer.sources.values()), offer.id


def test_water_and_carbon_free_shares_have_a_source():
    stated = [(offer, name) for offer in load_offers() for name in offer.attributes]
    assert len(stated) >= 2000
    assert all(offer.figure_sources[f"attributes.{name}"] in offer.sources for offer, name in stated)
