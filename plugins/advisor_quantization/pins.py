"""Whether the user asked for a technique by name."""

from __future__ import annotations

from advisor.context import Context
from advisor.interfaces import Technique
from advisor.names import normalise


def pinned(technique: Technique, context: Context) -> bool:
    """Whether the workload names the technique or one of its aliases."""
    if not context.workload.named_techniques:
        return False
    names = {normalise(name) for name in (technique.name, *technique.aliases)}
    items = (text.partition("=") for text in context.workload.named_techniques)
    return any(normalise(name) in names or normalise(name + setting) in names for name, _, setting in items)
