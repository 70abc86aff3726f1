"""Fewer blocks or heads: depth pruning, and pruning of attention heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor.operators import Attention, MatMul
from advisor_compression.figures import figures, share_kept, wanted
from advisor_quantization.pins import pinned
from advisor_quantization.quality import Kept, keep_quality, kind_of
from advisor_quantization.unrated import kept_or_unrated


class DepthPruning(Technique):
    """Drops whole blocks and distils the rest: weights, work, cache and launches shrink alike.

    Quality lies on the line between the whole model and the published share.
    """

    name = "depth_pruning"
    slot = "pruning"
    stage = "structure"
    doc = "fewer blocks, distilled from the whole model; the setting is the share of blocks kept"
    aliases = ("layer_dropping",)

    def __init__(self) -> None:
        found = figures()
        self._share, self._kept = found.depth.share, found.depth.kept
        self.sources = (found.table.sources[found.depth.source],)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer the published share where it is named: width pruning of as many parameters keeps more."""
        return (f"{self._share:g}",) if pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = share_kept(self, setting, self._share)
        if kind_of(context.model) != "language" or context.workload.trains:
            return [(np.ones(len(rows), dtype=bool), "depth pruning is published for the inference of language models")]
        rows["block_share"] = rows["block_share"] * share
        keep_quality(rows, self.quality(share))
        return []

    def quality(self, share: float) -> Kept:
        """Quality at a share of the blocks."""
        return Kept(*(float(np.interp(share, [self._share, 1.0], [end, 1.0])) for end in self._kept))


class HeadPruning(Technique):
    """Drops attention heads, cached ones with their queries: projections and cache shrink (Michel et al. 2019)."""

    name = "head_pruning"
    slot = "pruning"
    stage = "structure"
    doc = "fewer attention heads; the setting is the share kept; unrated"

    def __init__(self) -> None:
        self.sources = (figures().table.sources["michel2019"],)

    def settings(self, context: Context) -> Sequence[int | str]:
        return ("0.75", "0.5") if pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = share_kept(self, setting, 0.1)
        everyone = np.ones(len(rows), dtype=bool)
        part = attention_share(context.model)
        if not part or context.workload.trains:
            return [(everyone, "head pruning is for the inference of models with attention")]
        kept, unrated = kept_or_unrated(self, None, context)
        if kept is None:
            return [(everyone, unrated)]
        left = 1 - (1 - share) * part
        for name, factor in (("parameter_share", left), ("flops_share", left), ("cache_bits", share)):
            rows[name] = rows[name] * factor  # a head that is gone caches nothing
        keep_quality(rows, kept)
        return []


def attention_share(model: Model) -> float:
    """Share of the quantizable weights that project to and from attention heads."""
    total = inside = 0.0
    for layer in model.layers:
        widths = {op.heads * op.value_width for op in layer.operators if isinstance(op, Attention)}
        for op in layer.operators:
            if op.quantizable and isinstance(op, MatMul):
                size = layer.count * op.copies * op.parameters
                total += size
                name = op.name.rsplit(".", 1)[-1]
                inside += size if widths and (name.startswith(("qkv", "q_", "kv_")) or (op.inputs in widths
                                              and op.split == "rows" and name != "down")) else 0  # fmt: skip
    return inside / total if total else 0.0


class LowRank(Technique):
    """Replaces each weight by two thin ones (truncated SVD that knows the activations)."""

    name = "low_rank"
    slot = "pruning"
    stage = "structure"
    doc = "weights as products of two thin ones; the setting is the share of parameters kept"
    aliases = ("svd", "svd_llm")

    def __init__(self) -> None:
        self._table = figures().table
        self.sources = self._table.sources_of(self.name)

    def settings(self, context: Context) -> Sequence[int | str]:
        return ("0.8",) if pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = share_kept(self, setting, 0.8)
        kept = self._table.estimate(self.name, context.model)
        if kept is None or context.workload.trains:
            return [(np.ones(len(rows), dtype=bool), "it is published for the inference of language models alone")]
        for name in ("parameter_share", "flops_share"):
            rows[name] = rows[name] * share
        keep_quality(rows, Kept(*(float(np.interp(share, [0.8, 1.0], [end, 1.0])) for end in kept)))
        return []


class VocabularyTrimming(Technique):
    """Keeps part of the vocabulary: smaller embedding and output tables (Abdaoui et al. 2020)."""

    name = "vocabulary_trimming"
    slot = "vocabulary"
    stage = "adaptation"
    doc = "fewer tokens in the vocabulary, for few languages or one domain; the setting is the share kept; unrated"
    aliases = ("vocab_trimming",)

    def __init__(self) -> None:
        self.sources = (figures().table.sources["abdaoui2020"],)

    def settings(self, context: Context) -> Sequence[int | str]:
        return ("0.5", "0.25") if wanted(self, context) and pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = share_kept(self, setting, 0.05)
        everyone = np.ones(len(rows), dtype=bool)
        if context.model.unit != "token" or not context.model.vocabulary or context.workload.trains:
            return [(everyone, "it is for the inference of models with a vocabulary")]
        kept, unrated = kept_or_unrated(self, None, context)
        if kept is None:
            return [(everyone, unrated)]
        from advisor.formats import format_named

        wide = format_named(context.model.wide_format).bits
        rows["table_bits"] = np.where(rows["table_bits"] > 0, rows["table_bits"], wide) * share
        keep_quality(rows, kept)
        return []
