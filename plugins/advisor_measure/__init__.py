"""``advisor measure``: short measurements of the machine it runs on, kept as a local device profile.

The profile is a device like any other (``local-cpu``, and ``local-gpu`` where PyTorch finds one), with a system of
its own and an offer that costs nothing, so that ``advisor estimate MODEL --on local-cpu`` and ``advisor rank`` use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor.devices import Device, System
    from advisor.offers import Offer

advisor_hook_version = 1


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor measure``."""
    from advisor_measure.command import measure

    group.add_command(measure)


@hookimpl
def devices() -> list[Device]:
    """Return the devices of the saved profile; none where nothing was measured."""
    from advisor_measure.saved import saved_devices

    return saved_devices()


@hookimpl
def systems() -> list[System]:
    """Return one system for each measured device."""
    from advisor_measure.own import own_systems

    return own_systems()


@hookimpl
def offers() -> list[Offer]:
    """Return one offer for each: owned, on one's own premises, at no price."""
    from advisor_measure.own import own_offers

    return own_offers()
