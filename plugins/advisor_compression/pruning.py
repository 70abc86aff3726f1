"""Structured pruning: fewer channels, heads or layers, healed by distillation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_compression.figures import figures, share_kept, wanted
from advisor_quantization.quality import Kept, keep_quality, kind_of


class StructuredPruning(Technique):
    """Keeps a share of the parameters and, in proportion, of the matrix work (width pruning, distilled).

    Quality lies on the line between the published shares; a share below the least of them is refused.
    """

    name = "structured_pruning"
    slot = "pruning"
    stage = "structure"
    doc = "fewer channels and heads, distilled from the whole model; the setting is the share kept"
    aliases = ("width_pruning", "minitron")

    def __init__(self) -> None:
        found = figures()
        self._pruned = found.pruned
        self.sources = tuple(found.table.sources[key] for key in ("minitron", "llm_pruner"))

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer the published shares, for inference of language models, where the user accepts retraining."""
        suits = kind_of(context.model) == "language" and not context.workload.trains
        return tuple(f"{pruned.share:g}" for pruned in self._pruned) if suits and wanted(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = share_kept(self, setting, self._pruned[-1].share)
        everyone = np.ones(len(rows), dtype=bool)
        if kind_of(context.model) != "language" or context.workload.trains:
            return [(everyone, "structured pruning is published for the inference of language models alone")]
        rows["parameter_share"] = rows["parameter_share"] * share
        rows["flops_share"] = rows["flops_share"] * share
        keep_quality(rows, self.quality(share))
        return []

    def quality(self, share: float) -> Kept:
        """Quality at a share of the parameters, on the line through the published ones and the whole model."""
        points = [(1.0, Kept(1.0, 1.0, 1.0)), *((pruned.share, pruned.kept) for pruned in self._pruned)]
        shares = [point for point, _ in points][::-1]
        ends = [[kept[end] for _, kept in points][::-1] for end in range(3)]
        return Kept(*(float(np.interp(share, shares, end)) for end in ends))
