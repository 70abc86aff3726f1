"""Discovery of plugins, their versions, and guarded calls: a failing plugin is named and left out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pluggy
from msgspec import Struct

from advisor import hookspecs
from advisor.discovery import Entry, entries
from advisor.errors import InputError, UnknownNameError, nearest_hint
from advisor.hookspecs import HOOK_VERSION

GROUP = "advisor"
#: The distribution that the built-in plugins come with.
DISTRIBUTION = "hardware-advisor"
#: Names of the hooks.
HOOKS = tuple(name for name, value in vars(hookspecs).items() if hasattr(value, "advisor_spec"))
#: What a failing plugin may raise: all but the user's interrupt. ``sys.exit`` must not end the advisor.
FAILURES = (Exception, SystemExit)
Result = TypeVar("Result")


class PluginInfo(Struct, frozen=True):
    """A registered plugin: its name, where it came from, and the hooks that it implements."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """The plugins of one advisor.

    ``extra`` are modules or objects given by an embedder; ``without`` names plugins to leave out.
    ``warnings`` collects one line for each plugin, or part of one, that was left out. Built-in plugins
    come first, then the others by name, in whatever order they were installed or given: where two give
    the same thing, the first has it.
    """

    def __init__(
        self, extra: Sequence[object] = (), without: Iterable[str] = (), *, discover: bool = True,
        trace: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self.warnings: list[str] = []
        self._trace = trace
        self._lock = threading.Lock()
        self._manager = pluggy.PluginManager("advisor")
        self._manager.add_hookspecs(hookspecs)
        self._entries: dict[str, Entry] = {}
        self._built_in: set[str] = set()
        skipped = set(without)
        if discover:
            found = entries(GROUP)
            self._refuse_unknown(skipped, [entry.name for entry in found], extra)
            for built_in, entry in _in_order(found):
                if entry.name not in skipped:
                    self._load(entry, built_in)
        for plugin in extra:
            name = plugin_name(plugin)
            if name not in skipped:
                self._register(plugin, name)

    @staticmethod
    def _refuse_unknown(skipped: set[str], found: list[str], extra: Sequence[object]) -> None:
        known = [*found, *(plugin_name(plugin) for plugin in extra)]
        for name in sorted(skipped):
            if name not in known:
                raise UnknownNameError("plugin", name, known)

    def _load(self, entry: Entry, built_in: bool) -> None:
        try:
            plugin = entry.load()
        except FAILURES as error:
            self.warn(f"plugin {entry.name!r} left out: import failed: {describe(error)}")
            return
        if self._register(plugin, entry.name):
            self._entries[entry.name] = entry
            if built_in:
                self._built_in.add(entry.name)

    def _register(self, plugin: object, name: str) -> bool:
        if self._manager.has_plugin(name):
            self.warn(f"plugin {name!r} left out: another plugin has this name; 'advisor_name' gives an object its own")
            return False
        try:
            version = getattr(plugin, "advisor_hook_version", HOOK_VERSION)
            if version != HOOK_VERSION:
                self.warn(
                    f"plugin {name!r} left out: it was made for version {version!r} of the hook interface, and this "
                    f"advisor has version {HOOK_VERSION}; install a matching release of one of them"
                )
                return False
            if self._manager.is_registered(plugin):
                self.warn(f"plugin {name!r} left out: it is there already as {self._manager.get_name(plugin)!r}")
                return False
            self._manager.register(plugin, name)
        except FAILURES as error:  # a hook with wrong arguments
            self.warn(f"plugin {name!r} left out: {describe(error)}")
            return False
        self._warn_of_useless_hooks(plugin, name)
        return True

    def _warn_of_useless_hooks(self, plugin: object, name: str) -> None:
        callers = self._manager.get_hookcallers(plugin) or []
        if not callers:
            what = "a name; hand over the module" if isinstance(plugin, str) else "implements no hook (@hookimpl)"
            self.warn(f"plugin {name!r}: {what}, so it adds nothing")
        for caller in callers:
            if not caller.has_spec():
                hint = nearest_hint(caller.name, HOOKS)
                self.warn(f"plugin {name!r}: hook {caller.name} left out: there is no such hook{hint}")

    def _implementations(self, hook: str) -> list[Any]:
        """The implementations of a hook: those of built-in plugins first, then by name of the plugin."""
        found = getattr(self._manager.hook, hook).get_hookimpls()
        return sorted(found, key=lambda one: (one.plugin_name not in self._built_in, one.plugin_name))

    def warn(self, line: str) -> None:
        """Keep one warning line, once."""
        with self._lock:
            if line not in self.warnings:
                self.warnings.append(line)

    def collect(self, hook: str, kind: type[Result]) -> list[tuple[str, Result]]:
        """Call a hook of every plugin and return (plugin name, item) for all items of the right type."""
        answer: list[tuple[str, Result]] = []
        for implementation in self._implementations(hook):
            name = implementation.plugin_name
            if self._trace:
                self._trace(f"{hook}() of plugin {name!r}")
            try:
                found = implementation.function()
                items = [] if found is None else list(found)
            except FAILURES as error:
                self.warn(f"plugin {name!r}: hook {hook} left out: {describe(error)}")
                continue
            for item in items:
                if isinstance(item, kind):
                    answer.append((name, item))
                else:
                    what = f"a {type(item).__name__}, not a {kind.__name__}"
                    self.warn(f"plugin {name!r}: hook {hook} returned {what}; left out")
        return answer

    def call_each(self, hook: str, **arguments: Any) -> None:
        """Call a hook of every plugin for its effect."""
        for implementation in self._implementations(hook):
            try:
                implementation.function(**{name: arguments[name] for name in implementation.argnames})
            except FAILURES as error:
                self.warn(f"plugin {implementation.plugin_name!r}: hook {hook} left out: {describe(error)}")

    def read_catalog(self, folder: Path) -> Iterable[tuple[str, Any]]:
        """Yield (kind, records) of a user's catalog folder; a wrong file is the user's, and ends the question."""
        if not folder.is_dir():
            raise InputError(f"{folder}: no such catalog folder")
        readers = self._implementations("read_catalog")
        holds = False
        for implementation in readers:
            name = implementation.plugin_name
            found = guarded(name, "hook read_catalog", self.warn, lambda one=implementation: one.function(folder))  # type: ignore[misc]
            holds = holds or found is None or bool(found)  # what failed might have held it
            if isinstance(found, Mapping):
                yield from found.items()
            elif found is not None:
                self.warn(f"plugin {name!r}: hook read_catalog returned a {type(found).__name__}; left out")
        if not holds:
            names = ", ".join(reader.plugin_name for reader in readers) or "none"
            raise InputError(f"{folder}: holds no catalog that a plugin knows (of those that read catalogs: {names})")

    def info(self) -> list[PluginInfo]:
        """List the plugins in order of name."""
        answer = []
        for name, plugin in sorted(self._manager.list_name_plugin()):
            if plugin is None:
                continue
            callers = [caller for caller in self._manager.get_hookcallers(plugin) or [] if caller.has_spec()]
            entry = self._entries.get(name)
            answer.append(
                PluginInfo(
                    name,
                    entry.distribution if entry is not None else "(given by the application)",
                    entry.version if entry is not None else "",
                    tuple(sorted(caller.name for caller in callers)),
                )
            )
        return answer


def _in_order(found: Iterable[Entry]) -> list[tuple[bool, Entry]]:
    """Entry points with whether each is built in: those first, then by name, whatever the search path."""
    answer = [(entry.distribution == DISTRIBUTION, entry) for entry in found]
    return sorted(answer, key=lambda one: (not one[0], one[1].name, one[1].value))


def plugin_name(plugin: object) -> str:
    """Name of a plugin that was given as an object."""
    for attribute in ("advisor_name", "__name__"):
        try:
            name = getattr(plugin, attribute, None)
        except FAILURES:
            continue
        if isinstance(name, str) and name:
            return name
    return type(plugin).__name__


def describe(error: BaseException) -> str:
    """Write an exception as one short line."""
    try:
        text = " ".join(str(error).split())
    except FAILURES:
        text = ""
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def guarded(
    plugin: str, what: str, warn: Callable[[str], None], call: Callable[[], Result], *, input_errors: bool = True
) -> Result | None:
    """Run a plugin's method; on failure warn with the plugin's name and return None.

    Input errors are the user's, not the plugin's, and pass through, but for methods that read nothing
    a user gave (``input_errors=False``).
    """
    try:
        return call()
    except FAILURES as error:
        if input_errors and isinstance(error, InputError):
            raise
        warn(f"plugin {plugin!r}: {what} left out: {describe(error)}")
        return None
