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
    assumed = dict(getattr(item, "assumes", {}))
    return {"name": item.name, "doc": _doc(item), **({"columns": added} if added else {}),
            **({"assumes": assumed} if assumed else {})}  # fmt: skip


def _technique(technique: Technique) -> dict[str, Any]:
    return {
        "name": technique.name, "aliases": list(technique.aliases), "slot": technique.slot, "stage": technique.stage,
        "doc": _doc(technique), "sources": [source.to_plain() for source in technique.sources],
    }  # fmt: skip


def _where(technique: Technique, registry: Registry) -> dict[str, Any]:
    """Frameworks that run the technique, with the devices of each."""
    from advisor.support import places

    found: dict[str, list[str]] = {}
    for place in places(registry.frameworks, technique.name):
        devices = {device.family or device.name for device in registry.devices if place.support.covers(device)}
        known = found.setdefault(place.framework.name, [])
        known += [name for name in sorted(devices) if name not in known]
    rules = {"excludes": list(technique.excludes), "needs": list(technique.needs)}
    return {**_owner(technique, registry), **{name: names for name, names in rules.items() if names},
            **({"runs_on": found} if found else {})}  # fmt: skip


def _on(technique: Technique, registry: Registry, name: str) -> dict[str, Any]:
    """What runs the technique on one device, or why nothing does."""
    from advisor.errors import UnknownNameError
    from advisor.support import places

    device = registry.devices.find(name)
    if device is None:
        known = [text for device in registry.devices for text in (device.id, *device.aliases)]
        raise UnknownNameError("device", name, known)
    what = f"{technique.name} on {device.name}"
    here = places(registry.frameworks, technique.name, device)
    if here:
        by = [{"framework": place.framework.name, "tasks": list(place.support.tasks), "note": place.support.note,
               "source": f"{place.source.title} ({place.source.date})" if place.source else ""}
              for place in here]  # fmt: skip
        lines = [f"  {item['framework']}: " + "; ".join(str(text) for text in (
            ", ".join(item["tasks"]), item["note"], item["source"]) if text) for item in by]  # fmt: skip
        return {"on": device.id, "runs": True, "by": by, "answer": [f"{what}: runs in", *lines]}
    which = f"{device.family or device.name} ({', '.join(device.formats)})"
    others = [framework.name for framework in registry.frameworks
              if any(support.covers(device) for support in framework.supports)]  # fmt: skip
    runs: bool | None = None
    if not places(registry.frameworks, technique.name):
        why = "no framework's table names it: it runs wherever the model does"
    elif not others:
        why = f"no framework's table names {which}: its native formats decide"
    else:
        runs, why = False, f"does not run: of the frameworks for {which}, none has it ({', '.join(others)})"
    elsewhere = [f"  it runs on {', '.join(families)} in {name}"
                 for name, families in _where(technique, registry).get("runs_on", {}).items()]  # fmt: skip
    return {"on": device.id, "runs": runs, "answer": [f"{what}: {why}", *elsewhere]}


def _plugin(info: PluginInfo) -> dict[str, Any]:
    return {"name": info.name, "distribution": info.distribution, "version": info.version, "hooks": list(info.hooks)}


def _simple(plural: str, singular: str, records: Callable[[Registry], Iterable[Any]]) -> Kind:
    return Kind(plural, singular, records, [NAME, WHAT], lambda item: [item.name, _doc(item)], _plain,
                lambda item: [item.name], _owner)  # fmt: skip


techniques = listing(Kind(
    "techniques", "technique", lambda registry: registry.techniques,
    [NAME, Column("slot", keep=9), Column("stage", keep=5), WHAT],
    lambda item: [item.name, item.slot, item.stage, _doc(item)], _technique,
    lambda item: [item.name, *item.aliases], _where, on=_on,
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
