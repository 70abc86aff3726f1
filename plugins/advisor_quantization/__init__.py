"""Number formats of weights, arithmetic and the key-value cache as techniques."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Technique

advisor_hook_version = 1


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return the formats of weights and of the cache."""
    from advisor_quantization.cache import cache_techniques
    from advisor_quantization.weights import weight_techniques

    return [*weight_techniques(), *cache_techniques()]
