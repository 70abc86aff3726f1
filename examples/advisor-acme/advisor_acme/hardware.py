"""Devices, systems and offers as data: ``hardware.toml``, checked by the advisor's own types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from advisor import Device, Offer, System


@dataclass(frozen=True)
class Hardware:
    """What the vendor has."""

    devices: list[Device]
    systems: list[System]
    offers: list[Offer]


@cache
def read_hardware() -> Hardware:
    """Read the tables; a wrong field or a figure without a unit's sense is refused."""
    import tomllib

    document = tomllib.loads(resources.files("advisor_acme").joinpath("hardware.toml").read_text("utf-8"))
    sources = {"sources": document["sources"]}

    def records(kind: type[Any], table: str) -> list[Any]:
        return [kind.checked(sources | entry) for entry in document[table]]

    return Hardware(records(Device, "device"), records(System, "system"), records(Offer, "offer"))
