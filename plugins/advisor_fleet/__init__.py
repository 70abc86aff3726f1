"""``advisor fleet``: the mix of systems that carries several models at the least cost or carbon.

Applications call ``plan_fleet(advisor, read_fleet(path))``; ``solve`` works on plain arrays without an advisor.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor_fleet.job import FleetJob, make_fleet, read_fleet
    from advisor_fleet.plan import FleetPlan, plan_fleet
    from advisor_fleet.program import Program, Solution, solve

advisor_hook_version = 1

_HOMES = {
    "FleetJob": "job", "make_fleet": "job", "read_fleet": "job", "FleetPlan": "plan", "plan_fleet": "plan",
    "Program": "program", "Solution": "program", "solve": "program",
}  # fmt: skip

__all__ = ["FleetJob", "FleetPlan", "Program", "Solution", "make_fleet", "plan_fleet", "read_fleet", "solve"]


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor fleet``."""
    from advisor_fleet.command import fleet

    group.add_command(fleet)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command line starts without it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
