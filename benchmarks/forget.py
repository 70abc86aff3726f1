"""Forget what was worked out of the constants, so that a fit sees those it has just put in their place."""

from __future__ import annotations

from collections.abc import Iterable

import advisor_cpu.runtimes as runtimes
import advisor_roofline.frameworks as frameworks
from advisor.context import Context


def forget(contexts: Iterable[Context]) -> None:
    """Empty what the contexts keep, and the caches of frameworks' and runtimes' figures; the loaded files stay."""
    for context in contexts:
        context._kept.clear()
    loaded = (frameworks.profiles, runtimes._tables)
    for module in (frameworks, runtimes):
        for entry in vars(module).values():
            if hasattr(entry, "cache_clear") and entry not in loaded and entry.__module__ == module.__name__:
                entry.cache_clear()
