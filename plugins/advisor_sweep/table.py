"""Records to columns of fixed types and order, so that a file does not depend on who computed which part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: Columns that are not numbers, or are whole ones; every other is a number.
TEXT = ("reasons", "device", "system", "offer", "provider", "offer_region", "offer_term", "recipe")
WHOLE = ("point", "evaluated", "feasible_count", "rank", "device_count", "batch")
FLAGS = ("feasible",)
FIRST = ("evaluated", "feasible_count", "rank", "feasible", "reasons", "device", "device_count", "system", "offer",
         "provider", "offer_region", "offer_term", "recipe", "batch")  # fmt: skip


def kinds(axes: Sequence[str]) -> dict[str, str]:
    """Column to ``text``, ``whole`` or ``flag``; the labels of axes are text."""
    answer = dict.fromkeys(TEXT, "text") | dict.fromkeys(WHOLE, "whole") | dict.fromkeys(FLAGS, "flag")
    return answer | dict.fromkeys(axes, "text")


def ordered(names: Iterable[str], axes: Sequence[str]) -> list[str]:
    """Columns in the order of the file: position, axes, what was found, then figures by name with their intervals."""
    found = set(names)
    head = [name for name in ("point", *axes, *FIRST) if name in found]
    figures = found - set(head)
    bases = sorted({name.removesuffix("_low").removesuffix("_high") for name in figures})
    return head + [name for base in bases for name in (base, f"{base}_low", f"{base}_high") if name in figures]


def columns(records: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> dict[str, list[Any]]:
    """Column to its values, None where a record has none."""
    known = kinds(axes)
    names = ordered({name for record in records for name in record}, axes)
    return {name: [_as(known.get(name, "number"), record.get(name)) for record in records] for name in names}


def _as(kind: str, value: Any) -> Any:
    if value is None:
        return None
    return {"text": str, "whole": int, "flag": bool, "number": float}[kind](value)
