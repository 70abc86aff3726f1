"""Every hook of the advisor. A plugin is a module or object that implements any of them with ``hookimpl``.

A plugin may say which major version of this interface it was made for in an attribute
``advisor_hook_version``; one made for another version is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from advisor.devices import Device, Record, System
    from advisor.interfaces import (
        Backend,
        Exporter,
        ModelEntry,
        ModelReader,
        Profile,
        Ranker,
        Scorer,
        Technique,
    )  # fmt: skip
    from advisor.offers import Offer
    from advisor.policies import Policy
    from advisor.support import Framework

HOOK_VERSION = 1

hookspec = pluggy.HookspecMarker("advisor")
hookimpl = pluggy.HookimplMarker("advisor")


@hookspec
def devices() -> Iterable[Device]:  # type: ignore[empty-body]
    """Return devices: accelerators and processors as sold."""


@hookspec
def systems() -> Iterable[System]:  # type: ignore[empty-body]
    """Return systems: devices in a node, with their links."""


@hookspec
def offers() -> Iterable[Offer]:  # type: ignore[empty-body]
    """Return offers: where systems can be had, and at what price."""


@hookspec
def policies() -> Iterable[Policy]:  # type: ignore[empty-body]
    """Return policies: what laws, standards and customers demand of where data are processed."""


@hookspec
def read_catalog(folder: Path) -> Mapping[str, Iterable[Record]]:  # type: ignore[empty-body]
    """Return what a user's own catalog folder holds, by hook or another name: it overrides what plugins give."""


@hookspec
def models() -> Iterable[ModelEntry]:  # type: ignore[empty-body]
    """Return models that are known by name."""


@hookspec
def model_readers() -> Iterable[ModelReader]:  # type: ignore[empty-body]
    """Return readers of model files."""


@hookspec
def backends() -> Iterable[Backend]:  # type: ignore[empty-body]
    """Return backends, which estimate candidates on their devices."""


@hookspec
def techniques() -> Iterable[Technique]:  # type: ignore[empty-body]
    """Return techniques, which change how a model runs."""


@hookspec
def frameworks() -> Iterable[Framework]:  # type: ignore[empty-body]
    """Return frameworks: which techniques each runs, on which devices."""


@hookspec
def scorers() -> Iterable[Scorer]:  # type: ignore[empty-body]
    """Return scorers, which turn estimates into objectives."""


@hookspec
def rankers() -> Iterable[Ranker]:  # type: ignore[empty-body]
    """Return rankers, which put candidates in order."""


@hookspec
def profiles() -> Iterable[Profile]:  # type: ignore[empty-body]
    """Return profiles: named weights of what matters."""


@hookspec
def exporters() -> Iterable[Exporter]:  # type: ignore[empty-body]
    """Return exporters, which write a candidate as something usable."""


@hookspec
def commands(group: click.Group) -> None:
    """Add commands to the command line."""
