"""Models that exist only as a plan: a decoder of sizes that the user gives, or that a budget trains best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of sizes."""
    from advisor_plan.reader import PlanReader

    return [PlanReader()]


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor plan-training``."""
    from advisor.cli.later import LaterCommand

    line = "Say how large a model, on how many tokens, a budget trains best."
    group.add_command(LaterCommand("plan-training", "advisor_plan.command:plan_training", line))
