"""What the plugins of one advisor provide, collected once and by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from advisor.columns import Column
from advisor.contract import check_item, compatible
from advisor.devices import Device, System
from advisor.interfaces import (
    Backend,
    Exporter,
    ModelEntry,
    ModelReader,
    Profile,
    Ranker,
    Scorer,
    Technique,
)
from advisor.names import NameIndex
from advisor.offers import Offer
from advisor.plugins import FAILURES, Plugins, describe
from advisor.records import Checked
from advisor.support import Framework

if TYPE_CHECKING:
    from advisor.policies import Policy

Item = TypeVar("Item")


class Registry:
    """Devices, systems, offers, models, readers, backends, techniques, scorers, rankers by name.

    Each is collected on first use, under a lock; a name given twice keeps its first plugin.
    ``owner`` tells which plugin an object came from.
    """

    def __init__(self, plugins: Plugins, devices: Sequence[Device] = (), systems: Sequence[System] = (),
                 offers: Sequence[Offer] = (), catalogs: Sequence[Path] = ()) -> None:  # fmt: skip
        self.plugins = plugins
        self.catalogs = catalogs
        self._own = {"devices": devices, "systems": systems, "offers": offers}
        self._cache: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._owner: dict[int, str] = {}

    def owner(self, item: object) -> str:
        """Name of the plugin that gave the item."""
        return self._owner.get(id(item), "")

    @property
    def own(self) -> Mapping[str, Sequence[Any]]:
        """The user's own records by hook, or by another name that a plugin reads: given, then of catalog folders.

        Of folders the first has an entry that several give. Raises ``InputError`` for a wrong file.
        """
        return self._once("own", self._read_own)

    def _read_own(self) -> Mapping[str, Sequence[Any]]:
        found: dict[str, list[Any]] = {kind: list(items) for kind, items in self._own.items()}
        for folder in self.catalogs:
            for kind, items in self.plugins.read_catalog(folder):
                known = {getattr(item, "id", None) for item in found.get(kind, ())}
                found.setdefault(kind, []).extend(item for item in items if getattr(item, "id", None) not in known)
        return found

    def _once(self, key: str, make: Callable[[], Item]) -> Item:
        with self._lock:
            if key not in self._cache:
                self._cache[key] = make()
            found: Item = self._cache[key]
            return found

    def _collect(self, hook: str, kind: type[Item], name: str) -> list[Item]:
        """Collect a hook's items, the user's own first, and drop repeated names with a warning."""
        seen: dict[str, str] = {}
        answer: list[Item] = []
        own: Iterable[Any] = self.own.get(hook, ())
        for plugin, item in [*(("", item) for item in own), *self.plugins.collect(hook, kind)]:
            try:
                key = check_item(item, name)
            except FAILURES as error:
                known = getattr(item, name) if isinstance(item, Checked) else getattr(item, "__dict__", {}).get(name)
                what = f"{kind.__name__.lower()} {known!r}" if isinstance(known, str) else f"a {kind.__name__.lower()}"
                self.plugins.warn(f"plugin {plugin!r}: hook {hook}: {what} left out: {describe(error)}")
                continue
            if key in seen:
                if seen[key]:  # the user's own entries override without a word
                    what = f"{kind.__name__.lower()} {key!r}"
                    self.plugins.warn(f"plugin {plugin!r}: {what} left out: plugin {seen[key]!r} has it already")
            else:
                seen[key] = plugin
                answer.append(item)
                self._owner[id(item)] = plugin
        return answer

    @property
    def devices(self) -> NameIndex[Device]:
        """All devices."""
        return self._once("devices", lambda: NameIndex("device", self._collect("devices", Device, "id")))

    @property
    def systems(self) -> NameIndex[System]:
        """All systems whose device is known."""
        return self._once("systems", self._known_systems)

    def _known_systems(self) -> NameIndex[System]:
        devices = {device.id for device in self.devices}
        answer = []
        for system in self._collect("systems", System, "id"):
            if system.device in devices:
                answer.append(system)
            else:
                self.plugins.warn(
                    f"plugin {self.owner(system)!r}: system {system.id!r} left out: no device {system.device!r}"
                )
        return NameIndex("system", answer)

    @property
    def offers(self) -> list[Offer]:
        """All offers whose system is known."""
        return self._once("offers", self._known_offers)

    def _known_offers(self) -> list[Offer]:
        systems = {system.id for system in self.systems}
        answer = []
        for offer in self._collect("offers", Offer, "id"):
            if offer.system in systems:
                answer.append(offer)
            else:
                owner = self.owner(offer)
                self.plugins.warn(f"plugin {owner!r}: offer {offer.id!r} left out: no system {offer.system!r}")
        return answer

    @property
    def policies(self) -> NameIndex[Policy]:
        """All policies."""
        from advisor.policies import Policy

        return self._once("policies", lambda: NameIndex("policy", self._collect("policies", Policy, "id")))

    @property
    def models(self) -> NameIndex[ModelEntry]:
        """All models known by name."""
        return self._once("models", lambda: NameIndex("model", self._collect("models", ModelEntry, "id")))

    @property
    def model_readers(self) -> list[ModelReader]:
        """All readers."""
        return self._once("model_readers", lambda: self._collect("model_readers", ModelReader, "name"))

    @property
    def backends(self) -> dict[str, Backend]:
        """Backends by name."""
        return {backend.name: backend for backend in self._tabular[1]}

    @property
    def techniques(self) -> list[Technique]:
        """All techniques."""
        return self._tabular[0]

    @property
    def scorers(self) -> list[Scorer]:
        """All scorers."""
        return self._tabular[2]

    @property
    def _tabular(self) -> tuple[list[Technique], list[Backend], list[Scorer]]:
        """What works on the candidate table, together: two that declare one column differently exclude each other."""
        return self._once("tabular", self._collect_tabular)

    def _collect_tabular(self) -> tuple[list[Technique], list[Backend], list[Scorer]]:
        columns: list[Column] = []
        techniques = self._collect("techniques", Technique, "name")
        backends = self._collect("backends", Backend, "name")
        scorers = self._collect("scorers", Scorer, "name")
        return (
            self._compatible("technique", techniques, columns), self._compatible("backend", backends, columns),
            self._compatible("scorer", scorers, columns),
        )  # fmt: skip

    def _compatible(self, what: str, items: list[Item], columns: list[Column]) -> list[Item]:
        answer = []
        for item, problem in compatible(items, columns):
            if problem:
                name = getattr(item, "name", "")
                self.plugins.warn(f"plugin {self.owner(item)!r}: {what} {name!r} left out: {problem}")
            else:
                answer.append(item)
        return answer

    @property
    def frameworks(self) -> list[Framework]:
        """Frameworks, with what each runs where."""
        return self._once("frameworks", lambda: self._collect("frameworks", Framework, "name"))

    @property
    def rankers(self) -> dict[str, Ranker]:
        """Rankers by name."""
        return self._once("rankers", lambda: {r.name: r for r in self._collect("rankers", Ranker, "name")})

    @property
    def profiles(self) -> dict[str, Profile]:
        """Profiles by name."""
        return self._once("profiles", lambda: {p.name: p for p in self._collect("profiles", Profile, "name")})

    @property
    def exporters(self) -> dict[str, Exporter]:
        """Exporters by name."""
        return self._once("exporters", lambda: {e.name: e for e in self._collect("exporters", Exporter, "name")})
