"""Whether the user asked for a technique by name."""

from __future__ import annotations

from advisor.context import Context
from advisor.interfaces import Technique
from advisor.names import normalise


def pinned(technique: Technique, context: Context) -> bool:
    """Whether the workload names the technique or one of its aliases."""
    names = {normalise(name) for name in (technique.name, *technique.aliases)}
    return any(normalise(text.partition("=")[0]) in names for text in context.workload.techniques)
