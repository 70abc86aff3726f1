"""Energy and carbon of every candidate: devices, host, facility, grid, and manufacture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

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


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor energy``."""
    from advisor.cli.later import LaterCommand

    line = "Show energy, carbon and water of a model on one system."
    group.add_command(LaterCommand("energy", "advisor_energy.command:energy", line))
