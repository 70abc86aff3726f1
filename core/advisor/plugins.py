"""Discovery of plugins, their versions, and guarded calls: a failing plugin is named and left out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, TypeVar

import pluggy

from advisor import hookspecs
from advisor.errors import InputError, UnknownNameError
from advisor.hookspecs import HOOK_VERSION

GROUP = "advisor"
Result = TypeVar("Result")


@dataclass(frozen=True)
class PluginInfo:
    """A registered plugin: its name, where it came from, and the hooks that it implements."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """The plugins of one advisor.

    ``extra`` are modules or objects given by an embedder; ``without`` names plugins to leave out.
    ``warnings`` collects one line for each plugin, or part of one, that was left out.
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
        self._entries: dict[str, metadata.EntryPoint] = {}
        skipped = set(without)
        if discover:
            found = sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name)
            self._refuse_unknown(skipped, [entry.name for entry in found], extra)
            for entry in found:
                if entry.name not in skipped:
                    self._load(entry)
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

    def _load(self, entry: metadata.EntryPoint) -> None:
        try:
            plugin = entry.load()
        except Exception as error:
            self.warn(f"plugin {entry.name!r} left out: import failed: {describe(error)}")
            return
        if self._register(plugin, entry.name):
            self._entries[entry.name] = entry

    def _register(self, plugin: object, name: str) -> bool:
        version = getattr(plugin, "advisor_hook_version", HOOK_VERSION)
        if version != HOOK_VERSION:
            self.warn(
                f"plugin {name!r} left out: it was made for version {version} of the hook interface, and this advisor "
                f"has version {HOOK_VERSION}; install a matching release of one of them"
            )
            return False
        try:
            self._manager.register(plugin, name)
        except Exception as error:  # a hook with wrong arguments, a name taken twice
            self.warn(f"plugin {name!r} left out: {describe(error)}")
            return False
        return True

    def warn(self, line: str) -> None:
        """Keep one warning line, once."""
        with self._lock:
            if line not in self.warnings:
                self.warnings.append(line)

    def collect(self, hook: str, kind: type[Result]) -> list[tuple[str, Result]]:
        """Call a hook of every plugin and return (plugin name, item) for all items of the right type."""
        answer: list[tuple[str, Result]] = []
        caller = getattr(self._manager.hook, hook)
        for implementation in sorted(caller.get_hookimpls(), key=lambda found: found.plugin_name):
            name = implementation.plugin_name
            if self._trace:
                self._trace(f"{hook}() of plugin {name!r}")
            try:
                items = list(implementation.function() or ())
            except Exception as error:
                self.warn(f"plugin {name!r}: hook {hook} left out: {describe(error)}")
                continue
            for item in items:
                if isinstance(item, kind):
                    answer.append((name, item))
                else:
                    self.warn(
                        f"plugin {name!r}: hook {hook} returned a {type(item).__name__}, not a {kind.__name__}; left out"
                    )
        return answer

    def call_each(self, hook: str, **arguments: Any) -> None:
        """Call a hook of every plugin for its effect."""
        for implementation in sorted(getattr(self._manager.hook, hook).get_hookimpls(), key=lambda i: i.plugin_name):
            try:
                implementation.function(**{name: arguments[name] for name in implementation.argnames})
            except Exception as error:
                self.warn(f"plugin {implementation.plugin_name!r}: hook {hook} left out: {describe(error)}")

    def info(self) -> list[PluginInfo]:
        """List the plugins in order of name."""
        answer = []
        for name, plugin in sorted(self._manager.list_name_plugin()):
            if plugin is None:
                continue
            callers = self._manager.get_hookcallers(plugin) or []
            entry = self._entries.get(name)
            distribution = entry.dist if entry is not None else None
            answer.append(
                PluginInfo(
                    name,
                    distribution.name if distribution else "(given by the application)",
                    distribution.version if distribution else "",
                    tuple(sorted(caller.name for caller in callers)),
                )
            )
        return answer


def plugin_name(plugin: object) -> str:
    """Name of a plugin that was given as an object."""
    return str(getattr(plugin, "advisor_name", None) or getattr(plugin, "__name__", None) or type(plugin).__name__)


def describe(error: BaseException) -> str:
    """Write an exception as one short line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def guarded(plugin: str, what: str, warn: Callable[[str], None], call: Callable[[], Result]) -> Result | None:
    """Run a plugin's method; on failure warn with the plugin's name and return None.

    Input errors are the user's, not the plugin's, and pass through.
    """
    try:
        return call()
    except InputError:
        raise
    except Exception as error:
        warn(f"plugin {plugin!r}: {what} left out: {describe(error)}")
        return None
