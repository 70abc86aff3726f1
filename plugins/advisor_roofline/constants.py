"""Efficiencies of device families, read from a plugin's TOML file, as one array a figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Array
from advisor.compiled import toml_data
from advisor.context import Context
from advisor.devices import Device

#: What a device says of itself in ``extra`` wins over its family: ``efficiency.NAME`` of the constant NAME.
OWN = "efficiency."


@cache
def _load(package: str, name: str) -> dict[str, Any]:
    return toml_data(Path(str(import_module(package).__file__)).with_name(name))


class Constants:
    """Figures of ``[default]``, of ``[family.NAME]`` where a device's family has its own table, and of the device.

    A device gives its own, such as measured ones, as ``extra["efficiency.NAME"]``.
    """

    def __init__(self, package: str, devices: Sequence[Device], name: str = "efficiency.toml") -> None:
        loaded = _load(package, name)
        self._default: dict[str, float] = loaded["default"]
        families: dict[str, dict[str, float]] = loaded.get("family", {})
        self._own = [{**families.get(device.family, {}), **_figures_of(device)} for device in devices]
        self._columns: dict[str, Array] = {}

    @classmethod
    def of(cls, context: Context, package: str) -> Constants:
        """Those of a plugin for the devices of a question, read once."""
        return context.once(f"{package}.constants", lambda: cls(package, context.device_list))

    def __getitem__(self, figure: str) -> Array:
        """The figure of each device."""
        return self.given(figure, self._default[figure])

    def given(self, figure: str, otherwise: float) -> Array:
        """The figure of each device, or ``otherwise`` where the file does not give it."""
        if figure not in self._columns:
            usual = self._default.get(figure, otherwise)
            column = np.array([own.get(figure, usual) for own in self._own], dtype=float)
            column.flags.writeable = False
            self._columns[figure] = column
        return self._columns[figure]


def _figures_of(device: Device) -> dict[str, float]:
    return {name.removeprefix(OWN): value for name, value in device.extra.items() if name.startswith(OWN)}
