"""Reads ``frameworks.toml``: groups of names are written once and used as ``@group``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.compiled import toml_data
from advisor.devices import Source
from advisor.support import Framework, Support

FIELDS = ("techniques", "vendors", "kinds", "families", "formats", "tasks", "units", "checkpoints")


@lru_cache(maxsize=1)
def read_frameworks() -> tuple[Framework, ...]:
    """Read the table that comes with the package, once."""
    return make_frameworks(toml_data(Path(__file__).with_name("frameworks.toml")))


def make_frameworks(document: Mapping[str, Any]) -> tuple[Framework, ...]:
    """Build frameworks from a parsed table; raises ``ValueError`` where an entry names no source of its framework."""
    groups = document.get("groups", {})
    return tuple(_framework(entry, groups) for entry in document["framework"])


def _framework(entry: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Framework:
    sources = {key: Source.checked(source) for key, source in entry["sources"].items()}
    common = {name: entry[name] for name in ("tasks", "units") if name in entry}
    supports = tuple(_support({**common, **support}, groups) for support in entry["runs"])
    for support in supports:
        if support.source not in sources:
            raise ValueError(f"framework {entry['name']}: source {support.source!r} is not listed")
    return Framework(entry["name"], entry["doc"], tuple(entry.get("aliases", ())), supports, sources)


def _support(entry: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Support:
    lists = {name: tuple(_expanded(entry.get(name, ()), groups)) for name in FIELDS}
    return Support(**lists, source=entry["source"], note=entry.get("note", ""))


def _expanded(names: Iterable[str], groups: Mapping[str, list[str]]) -> Iterable[str]:
    for name in names:
        if name.startswith("@"):
            yield from _expanded(groups[name[1:]], groups)
        else:
            yield name
