"""A shell command of one option a line, with comments above it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field


@dataclass
class Command:
    """Words that start the command, its options, and comments for the reader."""

    words: list[str]
    comments: list[str] = field(default_factory=list)
    options: list[tuple[str, ...]] = field(default_factory=list)

    def option(self, name: str, value: object = None) -> None:
        """Add ``--name value``, or ``--name`` alone."""
        self.options.append((name,) if value is None else (name, str(value)))

    def text(self) -> str:
        """The command as shell text, every word quoted where it must be."""
        lines = [shlex.join(self.words), *(f"  {shlex.join(option)}" for option in self.options)]
        comments = [f"# {' '.join(comment.split())}\n" for comment in self.comments]
        return "".join(comments) + " \\\n".join(lines) + "\n"


def whole(value: float) -> int:
    """A column's value as a count of one or more."""
    return max(1, round(value))
