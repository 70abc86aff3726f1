"""What the options that every command takes come to: the advisor to ask."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from advisor.cli.tables import clean

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor.plugins import Plugins
    from advisor.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])


def one_blas_thread() -> None:
    """Keep numpy from starting threads for matrix products, of which a ranking has none: half of its start-up."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def own_catalog() -> Path:
    """The catalog folder below the user's configuration folder, which is read wherever it exists."""
    if base := os.environ.get("XDG_CONFIG_HOME"):
        return Path(base) / "hardware-advisor" / "catalog"
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", str(Path.home()))) / "hardware-advisor" / "catalog"
    return Path.home() / ".config" / "hardware-advisor" / "catalog"


@dataclass
class Session:
    """One run of the command line.

    ``plugins`` and ``discover`` are for tests and for programs that wrap the command line.
    """

    plugins: Sequence[object] = ()
    discover: bool = True
    without: list[str] = field(default_factory=list)
    catalogs: list[str] = field(default_factory=list)
    trace: bool = False
    debug: bool = False
    shown: set[str] = field(default_factory=set)
    _asked: Plugins | None = None
    _commands: dict[Sequence[str], dict[str, click.Command]] = field(default_factory=dict)

    def skipped(self) -> list[str]:
        """Plugins to leave out: of the options, and of the environment variable ``ADVISOR_WITHOUT``."""
        named = [*self.without, os.environ.get("ADVISOR_WITHOUT", "")]
        return list(dict.fromkeys(name.strip() for text in named for name in text.split(",") if name.strip()))

    def folders(self) -> list[Path]:
        """Catalog folders: of the options, of the environment variable ``ADVISOR_CATALOG``, and the user's own."""
        named = [*self.catalogs, *os.environ.get("ADVISOR_CATALOG", "").split(os.pathsep)]
        given = [Path(name) for name in named if name]
        own = own_catalog()
        return [*given, *([own] if own.is_dir() else [])]

    def registry(self) -> Registry:
        """What the plugins provide, for commands that rank nothing and so need no engine."""
        one_blas_thread()
        from advisor.plugins import Plugins
        from advisor.registry import Registry

        self._asked = Plugins(self.plugins, self.skipped(), discover=self.discover, trace=self._trace())
        return Registry(self._asked, catalogs=self.folders())

    def advisor(self, owned: Path | None = None, also_rent: bool = False) -> Advisor:
        """Make the advisor; ``owned`` is an inventory file, whose hardware replaces the offers or joins them."""
        one_blas_thread()
        from advisor.api import Advisor

        made = Advisor(self.plugins, without=self.skipped(), discover=self.discover, trace=self._trace(),
                       catalogs=self.folders())  # fmt: skip
        self._asked = made.registry.plugins
        if owned is not None:
            from advisor.inventory import read_inventory

            stock = read_inventory(owned, made.registry)
            made.registry = stock.registry(made.registry.plugins, also_rent, self.folders())
        return made

    def plugin_commands(self, but: Sequence[str] = ()) -> dict[str, click.Command]:
        """The commands that plugins add, all but those plugins named; a plugin that fails is warned of."""
        from advisor.plugins import Plugins

        if but not in self._commands:
            skipped = [*self.skipped(), *but]
            plugins = Plugins(self.plugins, skipped, discover=self.discover, trace=self._trace())
            group = click.Group()
            plugins.call_each("commands", group=group)
            self.warn(plugins.warnings)
            self._commands[but] = dict(group.commands)
        return self._commands[but]

    def _trace(self) -> Callable[[str], None] | None:
        return (lambda line: click.echo(f"advisor: hook: {line}", err=True)) if self.trace else None

    def warn_of_plugins(self) -> None:
        """Print what was left out of plugins so far: it may be why a name is unknown."""
        self.warn(self._asked.warnings if self._asked is not None else ())

    def warn(self, lines: Sequence[str] = ()) -> None:
        """Print warnings on standard error, each once."""
        for line in lines:
            if line not in self.shown:
                self.shown.add(line)
                click.echo(clean(f"advisor: warning: {line}"), err=True)


def _set_without(ctx: click.Context, _: click.Parameter, names: tuple[str, ...]) -> None:
    ctx.ensure_object(Session).without.extend(names)


def _set_catalog(ctx: click.Context, _: click.Parameter, folders: tuple[str, ...]) -> None:
    ctx.ensure_object(Session).catalogs.extend(folders)


def _set_trace(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    session = ctx.ensure_object(Session)
    session.trace = session.trace or wanted


def _set_debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    session = ctx.ensure_object(Session)
    session.debug = session.debug or wanted


def common_options(command: Command) -> Command:
    """Add the options that every command takes, before or after its name."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, callback=_set_debug,
                     help="Show the traceback of an unexpected error."),
        click.option("--trace-hooks", is_flag=True, expose_value=False, callback=_set_trace,
                     help="Show each call of a plugin's hook on standard error."),
        click.option("--catalog", multiple=True, metavar="DIR", expose_value=False, callback=_set_catalog,
                     help="Folder of your own catalog, which adds and overrides entries; repeatable."),
        click.option("--without", multiple=True, metavar="PLUGIN", expose_value=False, callback=_set_without,
                     help="Leave a plugin out; repeatable, and ADVISOR_WITHOUT=a,b does the same."),
    ):  # fmt: skip
        command = option(command)
    return command
