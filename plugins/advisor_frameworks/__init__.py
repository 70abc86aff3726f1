"""Frameworks that models are run and trained with, and which techniques each runs on which devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.support import Framework

advisor_hook_version = 1


@hookimpl
def frameworks() -> Iterable[Framework]:
    """Return the frameworks of ``frameworks.toml``."""
    from advisor_frameworks.table import read_frameworks

    return read_frameworks()
