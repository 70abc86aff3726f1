"""Systems that offers name as ``COUNTxDEVICE``, made where the catalog has none of that name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from advisor.devices import Device, System
from advisor.errors import InputError, nearest
from advisor.offers import Offer

_ASSEMBLED = re.compile(r"^([1-9]\d{0,4})x(.+)$")


def ensure_systems(systems: Sequence[System], offers: Iterable[Offer], devices: Sequence[Device]) -> list[System]:
    """Return ``systems`` and one for each ``COUNTxDEVICE`` that an offer names and they lack.

    An offer of any other unknown system is left as it is, for a plugin that brings the system.
    """
    answer = list(systems)
    known = {name for system in systems for name in (system.id, *system.aliases)}
    by_id = {device.id: device for device in devices}
    for name in dict.fromkeys(offer.system for offer in offers):
        match = _ASSEMBLED.match(name)
        if name not in known and match and match.group(2) in by_id:
            answer.append(assembled(by_id[match.group(2)], int(match.group(1)), name))
            known.add(name)
    return answer


def assembled(device: Device, count: int, name: str = "", max_nodes: int = 1) -> System:
    """Return a node of ``count`` devices joined as the device says; a lone device has no link."""
    return System(
        id=name or f"{count}x{device.id}",
        name=device.name if count == 1 else f"{count} x {device.name}",
        device=device.id,
        device_count=count,
        link=device.link if count > 1 else None,
        network=device.network,
        max_nodes=max_nodes,
        sources=device.sources,
    )


def device_named(name: str, devices: Iterable[Device], where: str) -> Device:
    """Return the device with that id or alias; ``InputError`` names ``where`` and the nearest known."""
    by_name: dict[str, Device] = {}
    for device in devices:
        for known in (device.id, *device.aliases):
            by_name.setdefault(known.lower(), device)
    if name.lower() not in by_name:
        close = nearest(name, by_name)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"{where}: unknown device {name!r}{hint}")
    return by_name[name.lower()]
