"""Finding a system by what people type: ``4xa100-80gb``, a system's name, or a device's."""

from __future__ import annotations

import re

from advisor.devices import Device, System
from advisor.errors import InputError, UnknownNameError
from advisor.registry import Registry

#: No machine is larger, by a wide margin.
MOST_DEVICES = 10**7
_COUNTED = re.compile(r"^\s*(\d+)\s*[xX×*]\s*(.+)$")


def find_system(registry: Registry, name: str, prefer: frozenset[str] = frozenset()) -> tuple[System, int]:
    """Find a system or ``COUNTxDEVICE`` by name; return the system and how many of it.

    Among systems that are alike those whose id is in ``prefer`` win.
    """
    counted = _COUNTED.match(name)
    named = registry.systems.find(name)
    if named is not None:
        like_it = (system for system in registry.systems if system.id in prefer
                   and (system.device, system.device_count) == (named.device, named.device_count))  # fmt: skip
        meant = next(like_it, named) if counted and named.id not in prefer else named
        return meant, 1
    count, rest = (int(counted.group(1)), counted.group(2)) if counted else (1, name)
    if not 1 <= count <= MOST_DEVICES:
        raise InputError(f"{name}: a count from 1 to {MOST_DEVICES:,} is expected, such as 4x{rest}")
    if counted and registry.systems.find(rest) is not None:
        return registry.systems[rest], count
    device = registry.devices.find(rest)
    if device is None:
        known = [d.id for d in registry.devices] + [a for d in registry.devices for a in d.aliases]
        raise UnknownNameError("device or system", rest, known + [s.id for s in registry.systems])
    return system_of(registry, device, count, prefer=prefer)


def system_of(
    registry: Registry, device: Device, count: int, nodes: int | None = None, prefer: frozenset[str] = frozenset()
) -> tuple[System, int]:
    """Return a system of the device, and how many of it make ``count`` devices.

    A system of exactly that many, or that many divided by ``nodes``, is taken from the catalog where
    there is one. Else one is made up, as large as the device's links reach, of eight at most without.
    """
    same = [system for system in registry.systems if system.device == device.id]
    same.sort(key=lambda system: system.id not in prefer)
    reach = device.link.max_devices if device.link else 1
    if nodes is None:
        exact = next((system for system in same if system.device_count == count), None)
        if exact is not None:
            return exact, 1
        largest = max((s.device_count for s in same if count % s.device_count == 0), default=0)
        size = count if count <= max(reach, 8) else largest or next(n for n in (8, 4, 2, 1) if count % n == 0)
    else:
        size = max(1, count // nodes)
    systems = max(1, count // size)
    alike = [system for system in same if system.device_count == size]
    if systems > 1:  # the one with the fastest network, as clusters are built of
        alike.sort(key=lambda system: -system.network.bandwidth_gb_per_s if system.network else 0.0)
    if alike:
        return alike[0], systems
    made = System(id=f"{size}x{device.id}", device=device.id, device_count=size, max_nodes=max(1, count // size))
    return made, max(1, count // size)
