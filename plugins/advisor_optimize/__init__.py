"""``advisor optimize``: from the plain model on one system, the sequence of steps that pays best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

advisor_hook_version = 1


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor optimize``."""
    from advisor.cli.later import LaterCommand

    group.add_command(LaterCommand("optimize", "advisor_optimize.command:optimize",
                                   "Steps that make a model faster, smaller or cheaper on one system."))  # fmt: skip
