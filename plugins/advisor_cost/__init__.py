"""What every candidate costs: rent, or purchase and electricity, by hour, token, request, run and month."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor.interfaces import Scorer


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Return the cost scorer."""
    from advisor_cost.scorer import CostScorer

    return [CostScorer()]


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor cost``."""
    from advisor.cli.later import LaterCommand

    line = "Show what a model costs on one system, rented or bought."
    group.add_command(LaterCommand("cost", "advisor_cost.command:cost", line))
