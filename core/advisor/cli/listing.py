"""``list`` and ``show`` for everything that has a name: one mechanism, told what a record looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.errors import InputError, UnknownNameError
from advisor.names import normalise

if TYPE_CHECKING:
    from advisor.registry import Registry


@dataclass(frozen=True)
class Kind:
    """What a kind of record is called, where it is found, and how it is written.

    ``row`` gives the cells of the list, the name first; ``to_dict`` the JSON; ``more`` what ``show`` adds to it;
    ``sources`` the source of each figure, for kinds that have sources; ``on`` what ``show NAME --on DEVICE`` adds,
    with sentences for people in ``answer``.
    """

    plural: str
    singular: str
    records: Callable[[Registry], Iterable[Any]]
    columns: Sequence[Column]
    row: Callable[[Any], Sequence[object]]
    to_dict: Callable[[Any], dict[str, Any]]
    names: Callable[[Any], Sequence[str]]
    more: Callable[[Any, Registry], dict[str, Any]] = lambda record, registry: {}
    sources: Callable[[Any], Mapping[str, Any]] | None = None
    on: Callable[[Any, Registry, str], dict[str, Any]] | None = None

    def find(self, registry: Registry, name: str) -> Any:
        """The record of that name; raises ``UnknownNameError`` with the nearest."""
        records = list(self.records(registry))
        for most in (1, None):  # a record's own name wins over another's alias
            for record in records:
                if normalise(name) in map(normalise, list(self.names(record))[:most]):
                    return record
        raise UnknownNameError(self.singular, name, [known for record in records for known in self.names(record)])


class _Listing(click.Group):
    """A group that takes a name for what it may be: something to show."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and args[0] not in self.commands:
            path = ctx.command_path
            ctx.fail(f"no such command {args[0]!r}; {path} show {args[0]} shows one, {path} list {args[0]} searches")
        return super().resolve_command(ctx, args)


def listing(kind: Kind, doc: str) -> click.Group:
    """The group of commands of one kind; without a subcommand it lists."""

    @click.group(name=kind.plural, cls=_Listing, help=doc, invoke_without_command=True)
    @output.json_option
    @output.csv_option
    @common_options
    @click.pass_context
    def group(ctx: click.Context, as_json: bool, as_csv: bool) -> None:
        if ctx.invoked_subcommand is None:
            ctx.invoke(list_all, as_json=as_json, as_csv=as_csv)
        elif as_json or as_csv:
            option, name = "--json" if as_json else "--csv", ctx.invoked_subcommand
            raise InputError(f"{option} goes after the subcommand: {ctx.command_path} {name} {option}")

    @group.command("list", help=f"List {kind.plural}; WORDS keep those whose line has each of them.")
    @click.argument("words", nargs=-1)
    @output.json_option
    @output.csv_option
    @common_options
    @click.pass_obj
    def list_all(session: Session, words: Sequence[str] = (), as_json: bool = False, as_csv: bool = False) -> None:
        output.refuse_both(as_json, as_csv)
        registry = session.registry()
        found = [record for record in kind.records(registry) if _matches(kind, record, words)]
        warnings = list(registry.plugins.warnings)
        if as_json:
            answer = [kind.to_dict(record) for record in found]
            output.print_json({"schema": output.schema(kind.plural), kind.plural: answer, "warnings": warnings})
            return
        if as_csv:
            output.print_csv([_flat(kind.to_dict(record)) for record in found])
        else:
            table = Table(list(kind.columns))
            for record in found:
                table.add(*kind.row(record))
            table.show()
            click.echo(f"\n{len(found)} {kind.singular if len(found) == 1 else kind.plural}")
        session.warn(warnings)

    @group.command("show", help=f"Show one {kind.singular} in full.")
    @click.argument("name")
    @output.json_option
    @click.option("--sources", is_flag=True, help="Say where each figure comes from.", hidden=kind.sources is None)
    @click.option("--on", metavar="DEVICE", help="Say what runs it on a device, or why nothing does.",
                  hidden=kind.on is None)  # fmt: skip
    @common_options
    @click.pass_obj
    def show(session: Session, name: str, as_json: bool, sources: bool, on: str | None) -> None:
        if on is not None and kind.on is None:
            raise InputError(f"{kind.plural} show takes no --on")
        registry = session.registry()
        record = kind.find(registry, name)
        fields = {**kind.to_dict(record), **kind.more(record, registry)}
        answer = kind.on(record, registry, on) if on is not None and kind.on is not None else None
        if answer is not None and not as_json:
            for line in answer["answer"]:
                paragraph(line, indent="    ")
            session.warn(registry.plugins.warnings)
            return
        fields |= answer or {}
        origins = dict(kind.sources(record)) if kind.sources else {}
        warnings = list(registry.plugins.warnings)
        if as_json:
            shown = {**fields, "figure_sources": origins} if origins else fields
            output.print_json({"schema": output.schema(kind.singular), kind.singular: shown, "warnings": warnings})
            return
        _show_fields(fields, origins if sources else {}, ("sources", "figure_sources", "estimated") if origins else ())
        if origins and not sources:
            click.echo("\n--sources says where each figure comes from")
        session.warn(warnings)

    return group


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    """A row of CSV: the names first, and what says where figures come from in one cell each at the end."""
    sources, estimated = fields.get("sources"), fields.get("estimated")
    row: dict[str, Any] = {name: fields[name] for name in ("id", "name") if name in fields}
    row |= {name: value for name, value in fields.items() if name not in ("sources", "estimated", "figure_sources")}
    if isinstance(sources, Mapping):
        texts = [f"{source['title']} ({source['date']}) {source.get('url') or ''}" for source in sources.values()]
        sources = [text.strip() for text in texts]
    if isinstance(estimated, Mapping):
        estimated = [f"{figure}: {method}" for figure, method in estimated.items()]
    origins = {"estimated": estimated, "sources": sources}
    return output.flat({**row, **{name: value for name, value in origins.items() if value}})


def _matches(kind: Kind, record: Any, words: Sequence[str]) -> bool:
    line = normalise(" ".join([*map(str, kind.row(record)), *kind.names(record)]))
    return all(normalise(word) in line for word in words)


def _show_fields(fields: Mapping[str, Any], origins: Mapping[str, Any], hidden: Sequence[str]) -> None:
    """One line a field that says something and is not hidden; in a third column the number of its source."""
    columns = [Column("field", keep=10), Column("value", keep=9, narrow=30)]
    table = Table([*columns, Column("source", keep=8)] if origins else columns)
    numbers: dict[str, int] = {}
    for name, value in fields.items():
        if value in (None, "", [], (), {}) or name in hidden:
            continue
        for figure, item in _apart(name, value, origins).items():
            lines = _lines(item)
            origin = origins.get(figure)
            each = origin if isinstance(origin, list) and len(origin) == len(lines) else [origin] * len(lines)
            for number, (text, of) in enumerate(zip(lines, each, strict=True)):
                source = [f"[{numbers.setdefault(str(of), len(numbers) + 1)}]" if of else ""] if origins else []
                table.add("" if number else figure.replace("_", " "), text, *source)
    table.show()
    for text, number in numbers.items():
        paragraph(f"[{number}] {text}", indent="    ")


def _lines(value: Any) -> Sequence[str]:
    """A list of records has a line each."""
    if isinstance(value, (list, tuple)) and len(value) > 1 and all(isinstance(item, Mapping) for item in value):
        return [_text(item) for item in value]
    return [_text(value)]


def _apart(name: str, value: Any, origins: Mapping[str, Any]) -> dict[str, Any]:
    """A field, and after it those of its parts whose source is their own (``attributes.water_l_per_kwh``)."""
    if not isinstance(value, Mapping):
        return {name: value}
    parts = {f"{name}.{part}": item for part, item in value.items() if f"{name}.{part}" in origins}
    rest = {part: item for part, item in value.items() if f"{name}.{part}" not in parts}
    return ({name: rest} if rest else {}) | parts


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" if isinstance(item, Mapping) else f"{key} {_text(item)}"
                         for key, item in value.items() if item not in (None, "", [], {}))  # fmt: skip
    if isinstance(value, (list, tuple)):
        return "; ".join(_text(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)
