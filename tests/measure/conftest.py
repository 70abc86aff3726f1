"""A measured processor without measuring, and an advisor that knows the profile in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import advisor_measure
from advisor import Advisor
from advisor.devices import Device
from advisor_measure.facts import Facts
from advisor_measure.processor import make_processor
from advisor_measure.products import Product
from advisor_measure.runtimes import Runtime
from advisor_measure.traffic import Traffic

FACTS = Facts("Made Processor 9000", "amd", 4, 1, 1, 1, 3.0e9, {1: 128 << 10, 3: 32 << 20}, 16 << 30, ("avx2",))
RATE = 400e9


def made_products() -> list[Product]:
    """Products of a machine that multiplies at ``RATE``, less for few rows: padded to 8."""
    shapes = [(rows, 1024, 1024) for rows in (1, 8, 128, 512)]
    return [
        Product("fp32", rows, inputs, outputs, 2.0 * max(rows, 8) * inputs * outputs / RATE)
        for rows, inputs, outputs in shapes
    ]


@pytest.fixture
def measured_device() -> Device:
    """The device that made-up measurements come to."""
    traffic = {"memory": Traffic(1 << 28, 40e9, 50e9), "cache": Traffic(1 << 22, 300e9, 300e9)}
    runtime = Runtime("pytorch", "2.0", kernel_s=4e-6, step_s=20e-6, products=made_products(), weight_read=25e9)
    return make_processor(FACTS, traffic, made_products(), [runtime], 0.5e-6, 45e9, 0.0)


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the profile of this test is kept; nothing is there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "hardware-advisor" / "local.toml"
    path.parent.mkdir()
    return path


@pytest.fixture
def make_advisor() -> Callable[[], Advisor]:
    """Make an advisor with the plugin, whether or not it is installed as an entry point."""

    def make() -> Advisor:
        advisor = Advisor()
        installed = any(info.name == "measure" for info in advisor.plugins())
        return advisor if installed else Advisor([advisor_measure])

    return make
