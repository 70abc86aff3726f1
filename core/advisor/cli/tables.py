"""Tables for people: columns that wrap, shrink and drop out until the table fits its width.

A terminal gets rich's table; a pipe gets plain text, without importing rich.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import click

GAP = 2
WIDEST = 120


@dataclass(frozen=True)
class Column:
    """One column. ``keep`` says how dear it is when there is no room; ``narrow`` to what width it may wrap."""

    header: str
    align: Literal["left", "right"] = "left"
    keep: int = 5
    narrow: int | None = None


@dataclass
class Table:
    """Rows of text under columns."""

    columns: list[Column]
    rows: list[Sequence[str]] = field(default_factory=list)
    title: str = ""
    indent: int = 0

    def add(self, *cells: object) -> None:
        """Add a row; what a terminal would act on is taken out."""
        self.rows.append([clean(str(cell)) for cell in cells])

    def without_empty(self) -> Table:
        """The table without columns in which no row says anything."""
        used = [i for i in range(len(self.columns)) if any(row[i] not in ("", "-") for row in self.rows)]
        rows: list[Sequence[str]] = [[row[i] for i in used] for row in self.rows]
        return Table([self.columns[i] for i in used], rows, self.title, self.indent)

    def widths(self, room: int) -> dict[int, int]:
        """Width of each column that is shown, by position."""
        natural = {i: max(len(line) for line in [column.header, *(row[i] for row in self.rows)])
                   for i, column in enumerate(self.columns)}  # fmt: skip
        shown = dict(natural)
        while shown:
            slack = {i: shown[i] - max(narrow, len(self.columns[i].header)) for i in shown
                     if (narrow := self.columns[i].narrow) is not None}  # fmt: skip
            excess = sum(shown.values()) + GAP * (len(shown) - 1) - room
            if excess <= 0:
                return shown
            if sum(max(0, spare) for spare in slack.values()) >= excess or len(shown) == 1:
                return self._shrunk(shown, slack, excess)
            del shown[min(shown, key=lambda i: (self.columns[i].keep, -i))]
            shown = {i: natural[i] for i in shown}
        return shown

    @staticmethod
    def _shrunk(shown: dict[int, int], slack: dict[int, int], excess: int) -> dict[int, int]:
        """Take the excess from the columns that wrap, the widest first, a character at a time."""
        answer, left = dict(shown), dict(slack)
        while excess > 0 and any(spare > 0 for spare in left.values()):
            widest = max((i for i in left if left[i] > 0), key=lambda i: answer[i])
            answer[widest] -= 1
            left[widest] -= 1
            excess -= 1
        return answer

    def plain(self, room: int) -> str:
        """The table as text."""
        widths = self.widths(room - self.indent)
        head = [[self.columns[i].header] for i in widths]
        lines = [self.title] if self.title else []
        lines += self._lines(head, widths)
        lines.append("  ".join("-" * width for width in widths.values()))
        for row in self.rows:
            lines += self._lines([_wrap(row[i], width) for i, width in widths.items()], widths)
        return textwrap.indent("\n".join(lines), " " * self.indent)

    def _lines(self, cells: list[list[str]], widths: dict[int, int]) -> list[str]:
        answer = []
        for line in range(max(len(cell) for cell in cells)):
            parts = []
            for cell, (i, width) in zip(cells, widths.items(), strict=True):
                text = cell[line] if line < len(cell) else ""
                parts.append(text.rjust(width) if self.columns[i].align == "right" else text.ljust(width))
            answer.append((" " * GAP).join(parts).rstrip())
        return answer

    def show(self) -> None:
        """Print the table on standard output."""
        room = min(table_width(), WIDEST)
        if sys.stdout.isatty():
            self._rich(room)
        else:
            click.echo(self.plain(room))

    def _rich(self, room: int) -> None:
        from rich.console import Console
        from rich.padding import Padding
        from rich.table import Table as RichTable
        from rich.text import Text

        widths = self.widths(room - self.indent)
        table = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold cyan",
                          title=self.title or None, title_justify="left", title_style="bold")  # fmt: skip
        for i, width in widths.items():
            table.add_column(self.columns[i].header, justify=self.columns[i].align, width=width)
        for number, row in enumerate(self.rows):
            cells = [Text("\n".join(_wrap(row[i], width))) for i, width in widths.items()]
            table.add_row(*cells, style="bold" if number == 0 and self.columns[0].header == "#" else "")
        Console(width=room, highlight=False).print(Padding(table, (0, 0, 0, self.indent)))


def table_width() -> int:
    """Columns of the terminal, of ``COLUMNS``, or 120."""
    try:
        return max(20, int(os.environ["COLUMNS"]))
    except (KeyError, ValueError):
        return max(20, shutil.get_terminal_size((WIDEST, 24)).columns) if sys.stdout.isatty() else WIDEST


def clean(text: str) -> str:
    """Replace control characters: names in model files and catalogs are not to steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def paragraph(text: str, indent: str = "") -> None:
    """Print a sentence, wrapped to the width of tables on a terminal."""
    text = clean(text)
    if sys.stdout.isatty():
        text = textwrap.fill(text, min(table_width(), WIDEST), subsequent_indent=indent)
    click.echo(text)


def _wrap(text: str, width: int) -> list[str]:
    """Break at spaces, else anywhere."""
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
