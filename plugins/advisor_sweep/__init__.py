"""``advisor sweep``: rank every combination of models, workloads and constraints, over processes or machines.

Applications call ``run_sweep(read_grid(path), output)`` with any ``concurrent.futures`` executor.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor_sweep.grid import Grid, make_grid, read_grid
    from advisor_sweep.run import run_sweep

advisor_hook_version = 1

_HOMES = {"Grid": "grid", "make_grid": "grid", "read_grid": "grid", "run_sweep": "run"}

__all__ = ["Grid", "make_grid", "read_grid", "run_sweep"]


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor sweep``."""
    from advisor_sweep.command import sweep

    group.add_command(sweep)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command line starts without it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
