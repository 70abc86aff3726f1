"""Plugins that are installed: entry points of one group, remembered until a distribution comes, changes or goes.

``importlib.metadata`` finds them. Importing it and reading each distribution takes a tenth of a cold start, so what it
found is kept; stevedore does the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from msgspec import Struct

from advisor.compiled import compiled, file_state


class Entry(Struct, frozen=True):
    """An entry point, and the distribution that it comes with."""

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import what the entry point names."""
        module, _, attributes = self.value.partition("[")[0].strip().partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


def entries(group: str) -> list[Entry]:
    """The entry points of a group in every distribution on the search path."""
    return compiled(f"plugins-{group}", _state, lambda: _find(group), list[Entry], "\n".join(sys.path))


def _find(group: str) -> list[Entry]:
    from importlib import metadata

    answer, known = [], {}
    for point in metadata.entry_points(group=group):
        source = point.dist
        if id(source) not in known:  # a distribution's name is parsed from its metadata: once each
            known[id(source)] = (source.name, source.version) if source is not None else ("", "")
        answer.append(Entry(point.name, point.value, *known[id(source)]))
    return answer


def _state() -> str:
    """A text that changes when a distribution comes, changes or goes."""
    return "\n".join(sorted(_distributions()))


def _distributions() -> Iterator[str]:
    for folder in sys.path:
        if not os.path.isdir(folder or "."):
            yield file_state([folder]) if os.path.exists(folder) else folder
            continue
        with os.scandir(folder or ".") as listed:
            found = [item.path for item in listed if item.name.endswith((".dist-info", ".egg-info", ".egg"))]
        for path in found:
            points = f"{path}/entry_points.txt"
            yield file_state([points] if os.path.exists(points) else [path])
