"""Tables to checked records: one clear line for an entry that is not as the catalog needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from advisor.errors import InputError, nearest

RecordType = TypeVar("RecordType", bound=BaseModel)

_adapters: dict[type, TypeAdapter[Any]] = {}


def adapter(kind: type[RecordType]) -> TypeAdapter[list[RecordType]]:
    """Return the validator of lists of ``kind``, built once."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(list[kind])  # type: ignore[valid-type]
    return _adapters[kind]


def to_records(kind: type[RecordType], tables: Sequence[dict[str, Any]], where: Sequence[str]) -> list[RecordType]:
    """Validate all tables at once; ``where[i]`` names the file of table i for the error line."""
    try:
        return adapter(kind).validate_python(tables)
    except ValidationError as error:
        raise InputError(describe(error, kind, tables, where)) from None
    except InputError:  # from a validator, which knows neither file nor entry
        for table, file in zip(tables, where, strict=True):
            try:
                kind.model_validate(table)
            except InputError as error:
                name = f"{kind.__name__.lower()} {table.get('id', '(no id)')!r}"
                raise InputError(f"{file}: {name}: {error}") from None
            except ValidationError:
                continue
        raise


def describe(
    error: ValidationError, kind: type[BaseModel], tables: Sequence[dict[str, Any]], where: Sequence[str]
) -> str:
    """Return ``file: device 'x': field: what is wrong`` for the first mistake, and how many more there are."""
    first, *others = error.errors(include_url=False)
    row, *path = first["loc"]
    index = row if isinstance(row, int) else 0
    field = ".".join(str(part) for part in path) or "entry"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = nearest(str(path[-1]), kind.model_fields) if len(path) == 1 else []
        message = "not a field" + (f"; did you mean {' or '.join(known)}?" if known else "")
    elif first["type"] == "missing":
        message = "is required"
    elif "input" in first and isinstance(first["input"], (str, int, float, bool)):
        message = f"{message[0].lower()}{message[1:]}, not {str(first['input'])[:60]!r}"
    more = f" (and {len(others)} more)" if others else ""
    name = tables[index].get("id", f"number {index + 1}")
    return f"{where[index]}: {kind.__name__.lower()} {name!r}: {field}: {message}{more}"


def refuse_duplicates(records: Sequence[Any], where: Sequence[str], kind: str) -> None:
    """Raise ``InputError`` at the second record with an id already used."""
    seen: dict[str, str] = {}
    for record, file in zip(records, where, strict=True):
        if record.id in seen:
            raise InputError(f"{file}: {kind} {record.id!r} is already in {seen[record.id]}")
        seen[record.id] = file
