"""Efficiencies of device families, read from a plugin's TOML file, as one array a figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from advisor.candidates import Array
from advisor.devices import Device


@cache
def _load(package: str, name: str) -> dict[str, Any]:
    import tomli

    return tomli.loads(resources.files(package).joinpath(name).read_text("utf-8"))


class Constants:
    """Figures of ``[default]`` and, where a device's family has its own table, of ``[family.NAME]``."""

    def __init__(self, package: str, devices: Sequence[Device], name: str = "efficiency.toml") -> None:
        loaded = _load(package, name)
        self._default: dict[str, float] = loaded["default"]
        families: dict[str, dict[str, float]] = loaded.get("family", {})
        self._own = [families.get(device.family, {}) for device in devices]

    def __getitem__(self, figure: str) -> Array:
        """The figure of each device."""
        return np.array([own.get(figure, self._default[figure]) for own in self._own], dtype=float)
