"""Records: frozen structures whose declared fields are checked at the border, in one line when they are wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from advisor.errors import InputError, nearest_hint

_UNKNOWN = object()
_LARGEST = sys.float_info.max  # what lies above is not a number that can be computed with

Number = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
PositiveFloat = Annotated[float, Meta(gt=0, le=_LARGEST)]
NonNegativeFloat = Annotated[float, Meta(ge=0, le=_LARGEST)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
PositiveInt = Annotated[int, Meta(gt=0)]


class Checked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen structure: ``checked`` builds one from what a user or a file gave.

    The plain constructor checks no types: it is for code that has values of the right kind. What plugins hand
    over is checked once more before it is used (``contract.py``).
    """

    @classmethod
    def checked(cls, fields: Mapping[str, Any], origin: str = "") -> Self:
        """Build from ``fields``, or raise ``InputError``: the origin, the field and what is accepted."""
        return convert(fields, cls, origin or cls.__name__.lower())

    def replace(self, **changes: Any) -> Self:
        """The same with some fields changed, unchecked."""
        return msgspec.structs.replace(self, **changes)

    def as_dict(self, but_defaults: bool = False) -> dict[str, Any]:
        """Field to value, nested records left as they are; ``but_defaults`` leaves out what nobody gave."""
        fields: dict[str, Any] = msgspec.structs.asdict(self)
        if not but_defaults:
            return fields
        known = declared(type(self))
        return {name: value for name, value in fields.items() if value != known[name].default}

    def to_plain(self, but_defaults: bool = False, keep: tuple[type, ...] = ()) -> dict[str, Any]:
        """Nested dictionaries, lists, text and numbers, for JSON; values of the types in ``keep`` stay as they are."""
        plain: dict[str, Any] = msgspec.to_builtins(self.as_dict(but_defaults), builtin_types=keep)
        return plain


Kind = TypeVar("Kind", bound=Struct)
Value = TypeVar("Value")


def replace(item: Value, **changes: Any) -> Value:
    """The same structure or dataclass with some fields changed, unchecked."""
    if isinstance(item, Struct):
        return msgspec.structs.replace(item, **changes)
    import dataclasses

    return dataclasses.replace(item, **changes)  # type: ignore[type-var]


Parse = Callable[[Any], Any]


class Declared(Struct, frozen=True):
    """A declared field: ``parse`` reads what people type, such as a quantity with a unit, into its type."""

    name: str
    type: Any
    default: Any
    description: str
    parse: Parse | None

    @property
    def required(self) -> bool:
        """Whether a record needs it to be given."""
        return self.default is msgspec.NODEFAULT


@cache
def declared(kind: type[Struct]) -> dict[str, Declared]:
    """The fields of a record by name, in order."""
    answer = {}
    for field in msgspec.structs.fields(kind):
        given = field.default
        if given is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            given = field.default_factory()
        notes = list(_notes(field.type))
        description = next((note.description for note in notes if note.description), "")
        parse = next((note.extra["parse"] for note in notes if note.extra and "parse" in note.extra), None)
        answer[field.name] = Declared(field.name, field.type, given, description, parse)
    return answer


def _notes(annotation: Any) -> Iterator[Meta]:
    """Every ``Meta`` in an annotation, outermost first."""
    if get_origin(annotation) is Annotated:
        yield from (note for note in annotation.__metadata__ if isinstance(note, Meta))
        annotation = annotation.__origin__
    for part in get_args(annotation):
        if not isinstance(part, str):
            yield from _notes(part)


def convert(fields: Mapping[str, Any], kind: type[Kind], origin: str) -> Kind:
    """Build a record from ``fields``, or raise ``InputError`` in one line."""
    known = declared(kind)
    _refuse_unknown(fields, known, origin)
    values = {name: parsed(known[name], value, origin) for name, value in fields.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{origin}: {describe(error, kind, values)}") from None
    except InputError as error:  # of the record's own checks
        raise InputError(f"{origin}: {error}") from None


def parsed(field: Declared, value: Any, origin: str) -> Any:
    """The value with its unit read, where the field has one; raises ``InputError``."""
    if field.parse is None:
        return value
    try:
        return field.parse(value)
    except ValueError as error:
        raise InputError(f"{origin}: {field.name}: {error}") from None


def one_field(field: Declared, value: Any, origin: str) -> Any:
    """The value as the field's type, or ``InputError`` with what is accepted."""
    value = parsed(field, value, origin)
    try:
        return msgspec.convert(value, field.type, strict=False)
    except msgspec.ValidationError as error:
        where = field.name
        if str(error).endswith("`$[...]`") and (key := _wrong_key(value, field.type)) != "*":
            where, value = f"{where}: {key}", value[key]
        raise InputError(f"{origin}: {where}: {_message(str(error), field.type, value)}") from None


#: Records that were decoded against their type in this process, kept so that no other can come by their identity.
_sound: dict[int, Checked] = {}


def note_sound(records: Iterable[Checked]) -> None:
    """Remember records that were checked as they were read, so that ``problem`` need not look again."""
    _sound.update((id(record), record) for record in records)


def problem(record: Checked) -> str:
    """What is wrong with a record that was built without checks, or nothing."""
    if _sound.get(id(record)) is record:
        return ""
    fields = {name: getattr(record, name, None) for name in record.__struct_fields__}
    try:
        msgspec.convert(fields, type(record))
    except msgspec.ValidationError as error:
        return describe(error, type(record), fields)
    except InputError as error:
        return str(error)
    return ""


def _refuse_unknown(fields: Iterable[str], known: Iterable[str], origin: str) -> None:
    for name in fields:
        if name not in known:
            raise InputError(f"{origin}: {name}: {no_such_field(str(name), known)}")


def no_such_field(name: str, known: Iterable[str]) -> str:
    """``no such field``, with the nearest ones."""
    return f"no such field{nearest_hint(name, known)}"


def describe(error: msgspec.ValidationError, kind: type[Struct], fields: Any) -> str:
    """The field and what is wrong with it: ``memory_gib: expected a number above 0, not -1``."""
    message, _, path = str(error).partition(" - at `$")
    value, where, annotation = fields, "", None
    for part in path.rstrip("`").replace("[...]", "[*]").replace("[", ".").replace("]", "").split("."):
        if not part:
            continue
        if part == "*":
            part = _wrong_key(value, annotation)
        where += f".{part}" if where else part
        if annotation is None:
            annotation = declared(kind)[part].type if part in declared(kind) else None
        try:
            value = value[int(part)] if isinstance(value, (list, tuple)) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            value = _UNKNOWN
    for start, text in (("Object missing required field", "is required"), ("Object contains unknown field", "unknown")):
        if message.startswith(start):
            name = message.split("`")[1]
            place = f"{where}.{name}" if where else name
            return f"{place}: {text if text == 'is required' else no_such_field(name, declared(kind))}"
    return f"{where}: {_message(message, annotation, value)}" if where else _message(message, annotation, value)


def _wrong_key(table: Any, annotation: Any) -> str:
    """Which entry of a table is wrong: the checker's path does not tell."""
    kind = annotation.__origin__ if get_origin(annotation) is Annotated else annotation
    if isinstance(table, Mapping) and len(parts := get_args(kind)) == 2:
        for key, value in table.items():
            try:
                msgspec.convert(value, parts[1], strict=False)
            except msgspec.ValidationError:
                return str(key)
    return "*"


#: What the checker calls a type, and what people call it.
_WORDS = {"float": "a number", "int": "a whole number", "str": "text", "bool": "true or false", "array": "a list",
          "object": "a table", "null": "nothing", "date": "a date such as 2026-01-31"}  # fmt: skip


def _message(message: str, annotation: Any, value: Any) -> str:
    text = message.partition(" - at ")[0]
    if text.startswith("Invalid enum value"):
        text = f"expected one of {', '.join(map(str, literals(annotation)))}"
    elif f"{_LARGEST:.0e}"[:4] in text or "1.79769" in text:
        text = "expected a finite number"
    else:
        text = text.partition(", got ")[0]
        first, quote, rest = text.partition("`")
        kinds, _, rest = rest.partition("`")
        if quote:
            text = f"{first}{' or '.join(_WORDS.get(kind, kind) for kind in kinds.split(' | '))}{rest}"
        text = text.replace(" or nothing", "")
        text = text.replace(".0", "") if "number" in text else text
        for sign, word in ((" >= ", " of at least "), (" <= ", " of at most "), (" > ", " above "), (" < ", " below ")):
            text = text.replace(sign, word)
        text = text[:1].lower() + text[1:]
    if value is _UNKNOWN:
        return text
    shown = repr(value)
    return f"{text}, not {shown if len(shown) <= 60 else shown[:57] + '...'}"


def literals(annotation: Any) -> tuple[Any, ...]:
    """The values of a ``Literal``, wherever it is in the annotation."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for part in get_args(annotation) if (found := literals(part))), ())
