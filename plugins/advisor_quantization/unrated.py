"""Techniques whose loss nobody has published: left out, unless the user allows them."""

from __future__ import annotations

from advisor.context import Context
from advisor.interfaces import Technique
from advisor_quantization.quality import Kept

#: What is assumed where nothing is published: nothing lost at best, all of it at worst.
UNRATED = Kept(1.0, 0.01, 1.0)


def says_unrated(doc: str, rated: bool) -> str:
    """The line on a technique, with a word where no loss is published."""
    return doc if rated else f"{doc}; unrated"


def may_be_unrated(technique: Technique, context: Context) -> bool:
    """Whether to offer the technique though nothing speaks for this kind of model."""
    return context.workload.allow_unrated


def kept_or_unrated(technique: Technique, kept: Kept | None, context: Context) -> tuple[Kept | None, str]:
    """The published quality, else what is assumed of an unrated technique, else None and the reason.

    An unrated technique cannot promise a least quality, so that it is refused where the user sets one.
    """
    if kept is not None:
        return kept, ""
    missing = f"no result is published for {technique.name} on this kind of model"
    if not context.workload.allow_unrated:
        return None, f"{missing} (--allow-unrated tries it)"
    if context.workload.min_quality is not None:
        return None, f"{missing}, so that it cannot promise a least quality"
    context.warn(f"{technique.name}: unrated: {missing}; its quality counts as unchanged, at worst as lost")
    return UNRATED, ""
