"""Everything that a third party can add to the advisor, by one invented vendor.

Each hook is a short function that hands over objects; nothing is computed, and nothing heavy imported,
before one of them is used. A module beside this one must not be named like a hook (``devices.py``):
importing it would put the module in the place of the hook function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from advisor import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from advisor import (
        Backend,
        Device,
        Exporter,
        Framework,
        ModelEntry,
        ModelReader,
        Offer,
        Policy,
        Profile,
        Ranker,
        Scorer,
        System,
        Technique,
    )

#: The major version of the hook interface that this plugin was made for.
advisor_hook_version = 1


@hookimpl
def devices() -> Iterable[Device]:
    """The Roadrunner family, from ``hardware.toml``."""
    from advisor_acme.hardware import read_hardware

    return read_hardware().devices


@hookimpl
def systems() -> Iterable[System]:
    """Cards, and servers of eight."""
    from advisor_acme.hardware import read_hardware

    return read_hardware().systems


@hookimpl
def offers() -> Iterable[Offer]:
    """To rent from the vendor's cloud, or to buy."""
    from advisor_acme.hardware import read_hardware

    return read_hardware().offers


@hookimpl
def read_catalog(folder: Path) -> Mapping[str, Iterable[Offer]]:
    """A customer's quoted prices, which win over those of the catalog."""
    from advisor_acme.quotes import quoted_offers

    found = quoted_offers(folder)
    return {"offers": found} if found else {}


@hookimpl
def policies() -> Iterable[Policy]:
    """What the vendor promises customers who process data of others."""
    from advisor_acme.promise import acme_promise

    return [acme_promise()]


@hookimpl
def backends() -> Iterable[Backend]:
    """How long a model takes on the vendor's devices."""
    from advisor_acme.roofline import AcmeBackend

    return [AcmeBackend()]


@hookimpl
def techniques() -> Iterable[Technique]:
    """A weight format that the vendor's devices alone can decode."""
    from advisor_acme.lattice import LatticeWeights

    return [LatticeWeights()]


@hookimpl
def frameworks() -> Iterable[Framework]:
    """The runtime, and the techniques that it has kernels for."""
    from advisor_acme.runtime import acme_runtime

    return [acme_runtime()]


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Days until the hardware is there: for all offers, not the vendor's alone."""
    from advisor_acme.delivery import DeliveryScorer

    return [DeliveryScorer()]


@hookimpl
def rankers() -> Iterable[Ranker]:
    """A cautious order: by the worst of all objectives."""
    from advisor_acme.cautious import CautiousRanker

    return [CautiousRanker()]


@hookimpl
def profiles() -> Iterable[Profile]:
    """Weights for those who need hardware now."""
    from advisor import Profile

    return [Profile("acme-rush", {"delivery": 0.6, "cost": 0.4}, doc="who needs hardware this week")]


@hookimpl
def models() -> Iterable[ModelEntry]:
    """A model known by name."""
    from advisor_acme.cards import tiny_chat

    return [tiny_chat()]


@hookimpl
def model_readers() -> Iterable[ModelReader]:
    """A reader of the vendor's own JSON format."""
    from advisor_acme.cards import CardReader

    return [CardReader()]


@hookimpl
def exporters() -> Iterable[Exporter]:
    """A job file for the vendor's scheduler."""
    from advisor_acme.jobs import JobFile

    return [JobFile()]


@hookimpl
def commands(group: click.Group) -> None:
    """``advisor acme``: the price list."""
    from advisor_acme.pricelist import acme

    group.add_command(acme)
