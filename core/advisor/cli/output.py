"""Answers for programs: JSON and CSV on standard output, and files that are not overwritten unasked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from advisor.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/json.md) for programs.")(command)


def csv_option(command: Command) -> Command:
    """Add ``--csv``."""
    return click.option("--csv", "as_csv", is_flag=True, help="Print the table as CSV.")(command)


def force_option(command: Command) -> Command:
    """Add ``--force``."""
    return click.option("--force", is_flag=True, help="Overwrite an output file that exists.")(command)


def refuse_both(as_json: bool, as_csv: bool) -> None:
    """Refuse two formats at once."""
    if as_json and as_csv:
        raise InputError("give --json or --csv, not both")


def schema(name: str) -> dict[str, Any]:
    """Name and version of an answer."""
    return {"name": f"advisor.{name}", "version": 1}


def print_json(answer: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False))


def print_csv(records: Sequence[Mapping[str, Any]]) -> None:
    """Print flat records with a header line."""
    click.echo(csv_text(records), nl=False)


def csv_text(records: Iterable[Mapping[str, Any]]) -> str:
    """Flat records as CSV; columns in order of first appearance."""
    rows = list(records)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def refuse_existing(path: Path) -> None:
    """Refuse to write over a file."""
    if path.exists():
        raise InputError(f"{path}: exists already; --force overwrites it")


def write_file(path: Path, text: str, force: bool, parents: bool = False) -> None:
    """Write a text file; refuses one that exists unless forced. ``parents`` makes the folders above it."""
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{path}: exists already; --force overwrites it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def flat(answer: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten a JSON object for CSV: figures to ``NAME, NAME_low, NAME_high``, lists joined, tables dotted."""
    row: dict[str, Any] = {}
    for key, value in answer.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and set(value) == {"value", "low", "high", "unit"}:
            row[name] = value["value"]
            if not value["value"] == value["low"] == value["high"]:
                row |= {f"{name}_low": value["low"], f"{name}_high": value["high"]}
        elif isinstance(value, Mapping):
            row |= flat(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            row[name] = "; ".join(str(item) for item in value)
        else:
            row[name] = value
    return row
