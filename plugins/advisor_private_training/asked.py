"""What the user asked for by name, and the settings that the package reads."""

from __future__ import annotations

from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Technique
from advisor.names import normalise


def named(technique: Technique, context: Context) -> bool:
    """Whether the workload names the technique: it is tried only then, as it changes what is learnt."""
    wanted = {normalise(item.partition("=")[0]) for item in context.workload.named_techniques}
    return context.workload.trains and not wanted.isdisjoint(map(normalise, (technique.name, *technique.aliases)))


def setting(context: Context, name: str, default: float, least: float = 0.0) -> float:
    """Return a number of ``--settings``; raises ``InputError`` at or below ``least``."""
    value = context.workload.settings.get(name, default)
    if not value > least:
        raise InputError(f"settings: {name}: expected a number above {least:g}, not {value:g}")
    return value


def samples(context: Context, why: str) -> float:
    """Return the samples of one pass over the data; raises ``InputError`` where the workload does not say."""
    workload = context.workload
    total = workload.samples_total(context.tokens_per_sample)
    if total is None:
        raise InputError(f"{why} needs the size of the data: --rows or --tokens")
    return total / workload.epochs
