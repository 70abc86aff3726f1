"""Default figures: numbers that no offer or device gives, each with an interval and where it is from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from advisor.compiled import toml_data
from advisor.errors import InputError
from advisor.records import replace
from advisor_energy.intervals import Interval


class Figure(Struct, frozen=True):
    """One default: value and 80 % interval in ``unit``, its source, or the method it is estimated by."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    doc: str
    source: str
    url: str
    date: str
    estimated: str = ""

    @property
    def interval(self) -> Interval:
        """The figure as a quantity of no dimensions."""
        return Interval(np.asarray(self.value), np.asarray(self.low), np.asarray(self.high))


@functools.cache
def read_figures(path: Path) -> Mapping[str, Figure]:
    """Read a table of figures, or raise ``InputError`` naming file, figure and what is wrong."""
    figures = {name: _figure(path, name, entry) for name, entry in toml_data(path).items()}
    for name, figure in figures.items():
        if not 0 <= figure.low <= figure.value <= figure.high:
            raise InputError(f"{path}: {name}: expected 0 <= low <= value <= high")
    return figures


def _figure(path: Path, name: str, entry: Any) -> Figure:
    try:
        return Figure(name, **{**entry, "date": str(entry["date"])})
    except (TypeError, KeyError) as error:
        raise InputError(f"{path}: {name}: {error}") from None


def assumed(figures: Mapping[str, Figure], assumptions: Mapping[str, float]) -> Mapping[str, Figure]:
    """Return the figures with the user's own in their place, taken as exact; others' names are not looked at."""
    own = {name: number for name, number in assumptions.items() if name in figures}
    for name, number in own.items():
        if number < 0:
            raise InputError(f"--assume: {name}: expected a number of zero or more, not {number:g}")
    changed = {name: replace(figures[name], value=number, low=number, high=number, source="as assumed by the user",
                             url="", estimated="") for name, number in own.items()}  # fmt: skip
    return {**figures, **changed} if changed else figures


def described(figures: Mapping[str, Figure]) -> dict[str, str]:
    """Return each figure's value and meaning in a line."""
    return {name: f"{figure.value:g} {figure.unit}".strip() + f": {figure.doc}" for name, figure in figures.items()}


def energy_figures() -> Mapping[str, Figure]:
    """Return the defaults of energy and carbon."""
    return read_figures(Path(__file__).with_name("defaults.toml"))
