"""The measured machine as a system and an offer: it is there, so it costs nothing but its electricity."""

from __future__ import annotations

from advisor.devices import Device, System
from advisor.errors import InputError
from advisor.offers import Offer
from advisor_measure.saved import saved_devices


def own_systems() -> list[System]:
    """One system for each device of the saved profile."""
    return [
        System(
            id=f"1x{device.id}", name=device.name, device=device.id, device_count=1, sources=device.sources,
            host_memory_gib=device.extra.get("host_memory_gib"),
        )
        for device in _measured()
    ]  # fmt: skip


def own_offers() -> list[Offer]:
    """One offer for each system: owned, on one's own premises, one machine."""
    return [
        Offer(
            id=f"owned:{device.id}", provider="owned", system=f"1x{device.id}", instance="this machine",
            region="on-premises", areas=("any", "on-premises"), term="owned", on_premises=True, tenancy="own",
            max_systems=1, price_usd_per_hour=0.0, sources=device.sources,
        )
        for device in _measured()
    ]  # fmt: skip


def _measured() -> list[Device]:
    """The devices; none where the profile is damaged, of which the hook ``devices`` tells alone."""
    try:
        return saved_devices()
    except InputError:
        return []
