"""Tables to checked records: one clear line for an entry that is not as the catalog needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from advisor.devices import Record
from advisor.errors import InputError


class DuplicateError(InputError):
    """A name that is used twice."""


RecordType = TypeVar("RecordType", bound=Record)


def to_records(kind: type[RecordType], tables: Sequence[dict[str, Any]], where: Sequence[str]) -> list[RecordType]:
    """Check all tables at once; ``where[i]`` names the file of table i for the error line."""
    try:
        return msgspec.convert(tables, list[kind], strict=False)  # type: ignore[valid-type]
    except (msgspec.ValidationError, InputError):
        mistakes = [line for table, file in zip(tables, where, strict=True) if (line := _mistake(kind, table, file))]
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        raise InputError(mistakes[0] + more) from None


def _mistake(kind: type[Record], table: dict[str, Any], file: str) -> str:
    """``file: device 'x': field: what is wrong``, or nothing."""
    try:
        kind.checked(table, f"{file}: {kind.__name__.lower()} {table.get('id', '(no id)')!r}")
    except InputError as error:
        return str(error)
    return ""


def refuse_duplicates(records: Sequence[Any], where: Sequence[str], kind: str) -> None:
    """Raise ``DuplicateError`` at the second record with an id already used."""
    seen: dict[str, str] = {}
    for record, file in zip(records, where, strict=True):
        if record.id in seen:
            raise DuplicateError(f"{file}: {kind} {record.id!r} is already in {seen[record.id]}")
        seen[record.id] = file
