"""Sparsity, structured pruning and low-rank adapters as techniques."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Technique

advisor_hook_version = 1


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return the compressions and the adapters."""
    from advisor_compression.adapters import Lora, Qlora
    from advisor_compression.pruning import StructuredPruning
    from advisor_compression.sparsity import Sparse24

    return [StructuredPruning(), Sparse24(), Lora(), Qlora()]
