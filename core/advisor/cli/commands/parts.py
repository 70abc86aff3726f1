"""``advisor techniques|scorers|backends|plugins`` and the like: what plugins provide beside catalogs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from advisor.cli.listing import Kind, listing
from advisor.cli.tables import Column

if TYPE_CHECKING:
    from advisor.interfaces import Technique
    from advisor.plugins import PluginInfo
    from advisor.registry import Registry

NAME = Column("name", keep=10)
WHAT = Column("what it does", keep=8, narrow=30)


def _doc(item: Any) -> str:
    """What an object says of itself: its ``doc``, else the first line of its class's docstring."""
    text = getattr(item, "doc", "") or (inspect.getdoc(type(item)) or "").partition("\n")[0]
    return " ".join(str(text).split())


def _owner(item: Any, registry: Registry) -> dict[str, Any]:
    return {"plugin": registry.owner(item)}


def _plain(item: Any) -> dict[str, Any]:
    """Name, doc, and the columns that the object adds to the candidate table."""
    added = [{"name": c.name, "unit": c.unit, "doc": c.doc} for c in getattr(item, "columns", ())]
    return {"name": item.name, "doc": _doc(item), **({"columns": added} if added else {})}


def _technique(technique: Technique) -> dict[str, Any]:
    return {
        "name": technique.name, "aliases": list(technique.aliases), "slot": technique.slot, "stage": technique.stage,
        "doc": _doc(technique), "sources": [source.to_plain() for source in technique.sources],
    }  # fmt: skip


def _plugin(info: PluginInfo) -> dict[str, Any]:
    return {"name": info.name, "distribution": info.distribution, "version": info.version, "hooks": list(info.hooks)}


def _simple(plural: str, singular: str, records: Callable[[Registry], Iterable[Any]]) -> Kind:
    return Kind(plural, singular, records, [NAME, WHAT], lambda item: [item.name, _doc(item)], _plain,
                lambda item: [item.name], _owner)  # fmt: skip


techniques = listing(Kind(
    "techniques", "technique", lambda registry: registry.techniques,
    [NAME, Column("slot", keep=9), Column("stage", keep=5), WHAT],
    lambda item: [item.name, item.slot, item.stage, _doc(item)], _technique,
    lambda item: [item.name, *item.aliases], _owner,
), "List and show techniques: choices that change how a model runs.")  # fmt: skip

plugins = listing(Kind(
    "plugins", "plugin", lambda registry: registry.plugins.info(),
    [NAME, Column("distribution", keep=8), Column("version", keep=7), Column("hooks", keep=9, narrow=20)],
    lambda info: [info.name, info.distribution, info.version, ", ".join(info.hooks)], _plugin, lambda info: [info.name],
), "List and show plugins: where each came from, and the hooks it implements.")  # fmt: skip

backends = listing(_simple("backends", "backend", lambda registry: registry.backends.values()),
                   "List and show backends, which estimate candidates.")  # fmt: skip
scorers = listing(_simple("scorers", "scorer", lambda registry: registry.scorers),
                  "List and show scorers, which turn estimates into objectives.")  # fmt: skip
rankers = listing(_simple("rankers", "ranker", lambda registry: registry.rankers.values()),
                  "List and show rankers, which put candidates in order.")  # fmt: skip
exporters = listing(_simple("exporters", "exporter", lambda registry: registry.exporters.values()),
                    "List and show exporters, which write a candidate as something usable.")  # fmt: skip
profiles = listing(Kind(
    "profiles", "profile", lambda registry: registry.profiles.values(),
    [NAME, Column("default for", keep=6), Column("weights", keep=9, narrow=24), WHAT],
    lambda item: [item.name, ", ".join(item.default_for),
                  ", ".join(f"{name} {weight:g}" for name, weight in item.weights.items()), item.doc],
    lambda item: {"name": item.name, "doc": item.doc, "weights": dict(item.weights),
                  "default_for": list(item.default_for),
                  "ranker": item.ranker, "settings": dict(item.settings)},
    lambda item: [item.name], _owner,
), "List and show profiles: named weights of what matters.")  # fmt: skip
