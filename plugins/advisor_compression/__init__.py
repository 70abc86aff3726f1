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
    from advisor_compression.depth import DepthPruning, HeadPruning, LowRank, VocabularyTrimming
    from advisor_compression.light import Dora, Freezing, Ia3
    from advisor_compression.pruning import StructuredPruning
    from advisor_compression.sparsity import Sparse24, UnstructuredSparsity

    return [StructuredPruning(), DepthPruning(), HeadPruning(), LowRank(), VocabularyTrimming(), Sparse24(),
            UnstructuredSparsity(), Lora(), Qlora(), Dora(), Ia3(), Freezing()]  # fmt: skip
