"""What confidential computing costs, as published: ``confidential.toml``."""

from __future__ import annotations

import functools
from pathlib import Path

from advisor.compiled import toml_data
from advisor.devices import Device, Source
from advisor.records import Checked, Fraction, PositiveInt


class Cost(Checked, frozen=True, kw_only=True):
    """What it costs on some devices: shares of throughput lost, and how many devices can work under it."""

    kind: str
    families: tuple[str, ...] = ()
    trains: bool | None = None
    loss: Fraction
    least: Fraction
    most: Fraction
    device_counts: tuple[PositiveInt, ...] = ()
    sources: tuple[str, ...]
    method: str

    def suits(self, device: Device, trains: bool) -> bool:
        """Whether it is about this device and this kind of work."""
        return (
            device.kind == self.kind and (not self.families or device.family in self.families)
            and self.trains in (None, trains)
        )  # fmt: skip


class _File(Checked, frozen=True, kw_only=True):
    sources: dict[str, Source]
    cost: tuple[Cost, ...]


@functools.cache
def published() -> _File:
    """Return ``confidential.toml``."""
    path = Path(__file__).with_name("confidential.toml")
    return _File.checked(toml_data(path), str(path))
