"""Options made from the fields of the workload: one mechanism, so that a new field is an option at once."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from advisor import units
from advisor.errors import InputError
from advisor.records import Declared, declared, literals
from advisor.workload import Workload, make_workload, read_toml

Command = TypeVar("Command", bound=Callable[..., Any])
PREFIX = "field_"

#: What stands for a value in the help, by the function that reads it.
METAVARS: dict[Callable[[Any], Any], str] = {
    units.parse_count: "COUNT", units.parse_seconds: "TIME", units.parse_bytes: "SIZE", units.parse_rate: "RATE",
    units.parse_power: "POWER", units.parse_money: "USD",
}  # fmt: skip

#: Of each of these, one at most may be given; an option displaces what the workload file says.
EXCLUSIVE = (("optimize", "weights", "profile"),)


def workload_options(command: Command) -> Command:
    """Add an option for every field of ``Workload``, and ``--workload FILE``."""
    return some_workload_options(*declared(Workload))(command)


def some_workload_options(*names: str) -> Callable[[Command], Command]:
    """Add an option for each of these fields of ``Workload``, and ``--workload FILE``."""
    known = declared(Workload)

    def add(command: Command) -> Command:
        for name in reversed(names):
            command = click.option(*declarations(name, known[name].type), **_attributes(known[name]))(command)
        return _workload_file(command)

    return add


def _workload_file(command: Command) -> Command:
    return click.option("--workload", "workload_file", type=click.Path(path_type=Path), metavar="FILE",
                        help="TOML file with any of the fields below; options win over it.")(command)  # fmt: skip


def option_names(name: str, annotation: Any = None) -> list[str]:
    """``max_ttft`` is ``--max-ttft``; a list such as ``techniques`` can be given one by one as ``--technique``."""
    long = f"--{name.replace('_', '-')}"
    if _shape(annotation) is tuple and long.endswith("ies"):
        return [long, f"{long[:-3]}y"]
    if _shape(annotation) is tuple and long.endswith("s"):
        return [long, long[:-1]]
    return [long]


def declarations(name: str, annotation: Any) -> list[str]:
    """What click is told: the option's names and its parameter."""
    names = option_names(name, annotation)
    if _shape(annotation) is bool:
        names = [f"{names[0]}/--no-{names[0][2:]}"]
    return [*names, PREFIX + name]


def _shape(annotation: Any) -> Any:
    """``tuple``, ``dict``, ``bool``, ``Literal``, or the plain type, with ``| None`` and ``Annotated`` taken off."""
    origin = get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return _shape(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is typing.Annotated:
        return _shape(get_args(annotation)[0])
    return origin or annotation


def _attributes(field: Declared) -> dict[str, Any]:
    shape = _shape(field.type)
    text, default = field.description, field.default
    if default not in (None, "", (), {}, False):
        text += f"  [default: {default:g}]" if isinstance(default, float) else f"  [default: {default}]"
    answer: dict[str, Any] = {"help": text, "default": None}
    if shape is Literal:
        answer["type"] = click.Choice(literals(field.type), case_sensitive=False)
    elif shape in (tuple, dict):
        answer |= {"multiple": True, "metavar": "NAME=NUMBER,..." if shape is dict else "NAME,..."}
    elif shape is not bool:
        plain = {str: "NAME", int: "COUNT"}.get(shape, "NUMBER")
        answer["metavar"] = METAVARS.get(field.parse, plain) if field.parse else plain
    return answer


class QuestionCommand(click.Command):
    """A command whose help has the options of the workload in a section of their own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        parts: dict[str, list[tuple[str, str]]] = {"Options": [], "Workload": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                parts["Workload" if str(param.name).startswith(PREFIX) else "Options"].append(record)
        for title, records in parts.items():
            with formatter.section(title):
                formatter.write_dl(records)


def given_fields(params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given as options; lists and tables are split at commas."""
    answer: dict[str, Any] = {}
    for key, value in params.items():
        if not key.startswith(PREFIX) or value is None or value == ():
            continue
        name = key.removeprefix(PREFIX)
        shape = _shape(declared(Workload)[name].type)
        if shape in (tuple, dict):
            items = [item.strip() for text in value for item in text.split(",") if item.strip()]
            value = tuple(items) if shape is tuple else dict(_pair(name, item) for item in items)
        if name == "limits":
            value = {key: _bound(key, text) for key, text in value.items()}
        answer[name] = value
    return answer


def _pair(name: str, item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise InputError(f"{option_names(name)[0]}: expected NAME=NUMBER, such as cost=0.5, not {item!r}")
    return key.strip(), value.strip()


def _bound(name: str, text: str) -> Any:
    """A limit on an estimate in that estimate's unit: ``time_to_first_token=500ms``; other limits as they are."""
    from advisor.columns import ESTIMATES

    parsers = {"s": units.parse_seconds, "B": units.parse_bytes, "W": units.parse_power, "/s": units.parse_rate}
    parse = next((parsers.get(column.unit) for column in ESTIMATES if column.name == name), None)
    try:
        return parse(text) if parse else text
    except ValueError as error:
        raise InputError(f"--limits: {name}: {error}") from None


def job(params: Mapping[str, Any], **more: Any) -> Workload:
    """The workload of a command's parameters: the file's fields, the options over them, ``more`` over both."""
    path: Path | None = params.get("workload_file")
    fields = {key.replace("-", "_"): value for key, value in read_toml(path).items()} if path else {}
    options = {**given_fields(params), **more}
    for names in EXCLUSIVE:
        if any(name in options for name in names):
            fields = {name: value for name, value in fields.items() if name not in names}
    return _make({**fields, **options}, options, str(path or "workload"))


def _make(fields: dict[str, Any], options: Mapping[str, Any], origin: str) -> Workload:
    try:
        return make_workload(fields, origin)
    except InputError as error:
        line = str(error)
        name = line.removeprefix(f"{origin}: ").partition(":")[0]
        if name not in options:
            raise
        raise InputError(line.replace(f"{origin}: {name}", option_names(name)[0], 1)) from None
