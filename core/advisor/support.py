"""Which framework runs which technique on which devices: legality as data.

Frameworks come from plugins, each with what it supports. A device that no framework has an entry for (for the task
and kind of model) is unknown: there the techniques' own checks decide.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from advisor.candidates import Array
from advisor.formats import format_named

if TYPE_CHECKING:
    from advisor.devices import Device, Source
    from advisor.models import Model
    from advisor.workload import Workload

#: Frameworks that one bit each of a 64-bit column can stand for; the sign bit stays free.
MOST_FRAMEWORKS = 62
#: The mask of a row whose device is unknown: any framework may run it.
ANY = np.int64(-1)


class Support(Struct, frozen=True):
    """A framework runs ``techniques`` (by name; empty: the model as it is stored) on some devices.

    A device matches if each given field has it: ``vendors``, ``kinds``, ``families``, and native ``formats``, all of
    them. ``tasks`` and ``units`` (``token``, ``sample``) bound the work. ``checkpoints`` are formats of stored weights
    that it loads beside plain floats. ``source`` is a key of the framework's sources, ``note`` one line for the user.
    """

    techniques: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    source: str = ""
    note: str = ""

    def covers(self, device: Device) -> bool:
        """Whether the entry speaks of the device."""
        return (
            (not self.families or device.family in self.families)
            and (not self.vendors or device.vendor in self.vendors)
            and (not self.kinds or device.kind in self.kinds)
            and all(name in device.peak_tflops for name in self.formats)
        )

    def suits(self, task: str, unit: str) -> bool:
        """Whether the entry speaks of the work."""
        return (not self.tasks or task in self.tasks) and (not self.units or unit in self.units)


class Framework(Struct, frozen=True):
    """A program that models are run or trained with, and what it supports on which devices."""

    name: str
    doc: str = ""
    aliases: tuple[str, ...] = ()
    supports: tuple[Support, ...] = ()
    sources: dict[str, Source] = {}

    def is_called(self, text: str) -> bool:
        """Whether a user's text names it; a version behind the name is ignored."""
        return _plain(text) in {_plain(name) for name in (self.name, *self.aliases)}


def _plain(text: str) -> str:
    return re.sub(r"[^a-z]", "", re.split(r"[\s=]", text.strip().lower())[0])


class Legality:
    """What runs where, for one model and workload: masks of frameworks, one bit each, by device."""

    def __init__(
        self, frameworks: Sequence[Framework], devices: Sequence[Device], model: Model, workload: Workload
    ) -> None:
        self.frameworks = list(frameworks[:MOST_FRAMEWORKS])
        self._devices = devices
        self._stored = format_named(model.weight_format)
        self._wanted = [not workload.framework or framework.is_called(workload.framework)
                        for framework in self.frameworks]  # fmt: skip
        if not any(self._wanted):  # one that no plugin has entries for
            self._wanted = [True] * len(self.frameworks)
        self._entries = [
            (np.int64(1 << bit), wanted, support)
            for bit, (framework, wanted) in enumerate(zip(self.frameworks, self._wanted, strict=True))
            for support in framework.supports if support.suits(workload.task, model.unit)
        ]  # fmt: skip
        self._named = {name for framework in self.frameworks for support in framework.supports
                       for name in support.techniques}  # fmt: skip

    @cached_property
    def _covered(self) -> Array:
        """(entries, devices): whether an entry speaks of a device; devices alike are looked at once."""
        kinds: dict[tuple[object, ...], list[int]] = {}
        for position, device in enumerate(self._devices):
            key = (device.vendor, device.kind, device.family, *device.peak_tflops)
            kinds.setdefault(key, []).append(position)
        answer = np.zeros((len(self._entries), len(self._devices)), dtype=bool)
        for places in kinds.values():
            first = self._devices[places[0]]
            answer[:, places] = np.array([entry.covers(first) for _, _, entry in self._entries], dtype=bool)[:, None]
        return answer

    def _mask(self, rows: Iterable[int]) -> Array:
        answer = np.zeros(len(self._devices), dtype=np.int64)
        for row in rows:
            bit, wanted, _ = self._entries[row]
            if wanted:
                answer |= np.where(self._covered[row], bit, 0)
        return np.where(self.known, answer, ANY)

    @cached_property
    def known(self) -> Array:
        """Whether any framework has an entry for the device."""
        return np.asarray(self._covered.any(axis=0))

    def start(self) -> Array:
        """Frameworks that run the kind of model, in plain floats, a mask a device."""
        return self._mask(range(len(self._entries)))

    def stored(self) -> Array:
        """Frameworks that load the weights in the format they are stored in; all where no entry speaks of it."""
        name = self._stored.name
        if not any(name in entry.checkpoints for _, _, entry in self._entries):
            return np.full(len(self._devices), ANY)
        return self._mask(row for row, (_, _, entry) in enumerate(self._entries) if name in entry.checkpoints)

    def of(self, technique: str) -> Array:
        """Frameworks that run a technique, a mask a device; all of them where no entry anywhere names it."""
        if technique not in self._named:
            return np.full(len(self._devices), ANY)
        return self._mask(row for row, (_, _, entry) in enumerate(self._entries) if technique in entry.techniques)

    def runs(self, techniques: Collection[str], device: Array) -> Array:
        """Whether a framework runs any of the techniques on the device (position) of each row."""
        masks = np.zeros(len(self._devices), dtype=np.int64)
        for name in techniques:
            masks |= self.of(name)
        return np.asarray((masks != 0)[device])

    def names(self, mask: int) -> list[str]:
        """Frameworks of a mask; empty where the device is unknown."""
        if mask == ANY:
            return []
        return [framework.name for bit, framework in enumerate(self.frameworks) if int(mask) >> bit & 1]


class Place(Struct, frozen=True):
    """One answer to where a technique runs: a framework, the entry that says so, and its source."""

    framework: Framework
    support: Support

    @property
    def source(self) -> Source | None:
        """Where the entry is from."""
        return self.framework.sources.get(self.support.source)


def places(frameworks: Sequence[Framework], technique: str, device: Device | None = None) -> list[Place]:
    """Entries that name a technique, of one device or of all."""
    return [
        Place(framework, support) for framework in frameworks for support in framework.supports
        if technique in support.techniques and (device is None or support.covers(device))
    ]  # fmt: skip
