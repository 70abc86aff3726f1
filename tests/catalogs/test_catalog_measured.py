"""Every device that published measurements name is in the catalog, so that each of them can be predicted."""

import csv
from pathlib import Path

import pytest

from advisor.names import NameIndex
from advisor_catalogs.loading import load_devices

TRUTH = Path(__file__).parent.parent / "truth"


@pytest.mark.parametrize("file", sorted(TRUTH.glob("*.csv")), ids=lambda file: file.stem)
def test_devices_of_measurements_are_known(file):
    index = NameIndex("device", load_devices())
    with file.open(encoding="utf-8", newline="") as stream:
        named = {row.get("device", "") for row in csv.DictReader(stream)}
    assert sorted(name for name in named if name and index.find(name) is None) == []
