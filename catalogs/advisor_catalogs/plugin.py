"""The built-in catalogs as a plugin: through the same hooks as anyone's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.devices import Device, Record, System
    from advisor.interfaces import ModelEntry
    from advisor.offers import Offer
    from advisor.policies import Policy


@hookimpl
def devices() -> Iterable[Device]:
    """Return accelerators and processors as sold."""
    from advisor_catalogs.loading import load_devices

    return load_devices()


@hookimpl
def systems() -> Iterable[System]:
    """Return nodes as sold, and those that offers name by count and device."""
    from advisor_catalogs.loading import load_systems

    return load_systems()


@hookimpl
def offers() -> Iterable[Offer]:
    """Return offers of cloud providers, and purchase prices."""
    from advisor_catalogs.loading import load_offers

    return load_offers()


@hookimpl
def policies() -> Iterable[Policy]:
    """Return laws, standards and other policies."""
    from advisor_catalogs.loading import load_policies

    return load_policies()


@hookimpl
def read_catalog(folder: Path) -> Mapping[str, Iterable[Record]]:
    """Return what a user's folder of the same layout adds and overrides."""
    from advisor_catalogs.own import read_own

    return read_own(folder)


@hookimpl
def models() -> Iterable[ModelEntry]:
    """Return models that are known by name."""
    from advisor_catalogs.model_entries import load_models

    return load_models()
