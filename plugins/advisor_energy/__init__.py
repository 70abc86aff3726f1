"""Energy and carbon of every candidate: devices, host, facility, grid, and manufacture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Scorer, Technique


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Return the energy scorer."""
    from advisor_energy.scorer import EnergyScorer

    return [EnergyScorer()]


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return power capping."""
    from advisor_energy.capping import PowerCap

    return [PowerCap()]
