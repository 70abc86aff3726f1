"""A command whose module is imported when it is used, so that ``advisor --help`` stays quick."""

from __future__ import annotations

import importlib
from typing import Any

import click


class LaterCommand(click.Command):
    """Stands for the command at ``place`` (``module:attribute``) until it is run or asked for its help."""

    def __init__(self, name: str, place: str, line: str) -> None:
        super().__init__(name, short_help=line, help=line)
        self.place = place

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        """Parse the arguments with the command itself, whose context then runs it."""
        return self.load().make_context(info_name, args, parent, **extra)
