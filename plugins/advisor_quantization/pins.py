"""Whether the user asked for a technique by name, or as the method of fine-tuning."""

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


def is_method(technique: Technique, context: Context) -> bool:
    """Whether the workload's method of fine-tuning is the technique, by its name or one of its aliases."""
    names = {normalise(name) for name in (technique.name, *technique.aliases)}
    return context.workload.task == "finetune" and normalise(context.workload.method) in names
