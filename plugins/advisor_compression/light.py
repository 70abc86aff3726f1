"""Fine-tuning that trains little, beside LoRA: DoRA, IA3, and freezing of the lower blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor.operators import Attention
from advisor_compression.adapters import Lora, adapted
from advisor_compression.figures import figures, share_kept
from advisor_compression.targets import adapted_outputs, habits
from advisor_quantization.pins import is_method, pinned
from advisor_quantization.quality import keep_quality, kind_of
from advisor_quantization.unrated import kept_or_unrated


class Dora(Lora):
    """LoRA whose weight is split in magnitude and direction: one magnitude more an output (Liu et al. 2024)."""

    name = "dora"
    doc = "low-rank adapters with a trained magnitude an output; setting lora_rank, 16 by default"

    def __init__(self) -> None:
        super().__init__()
        self.sources = (*self.sources, *self._table.sources_of("dora_over_lora"))

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        refusals = super().apply(rows, setting, context)
        kept = self._table.estimate("dora_over_lora", context.model)
        if refusals or kept is None:
            return refusals
        outputs = [adapted_outputs(context.model, habits(name).targets) for name in context.frameworks]
        more = np.array(outputs, dtype=float)[rows["framework"]]
        rows["adapter_parameters"] = rows["adapter_parameters"] + more
        # The frozen product, its sum with the adapter's and their ratio are kept for backward.
        rows["adapter_inputs"] = rows["adapter_inputs"] + 3.0 * more
        keep_quality(rows, kept)
        return []


class Ia3(Technique):
    """Frozen weights; keys, values and the inner activations of the MLP are scaled by trained vectors."""

    name = "ia3"
    slot = "adaptation"
    stage = "adaptation"
    doc = "trained scales of keys, values and MLP activations beside frozen weights; unrated"

    def __init__(self) -> None:
        self.sources = (figures().table.sources["ia3"],)

    def settings(self, context: Context) -> Sequence[int | str]:
        return ("",) if self.required(context) or pinned(self, context) else ()

    def required(self, context: Context) -> bool:
        return is_method(self, context)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        everyone = np.ones(len(rows), dtype=bool)
        if context.workload.task != "finetune" or kind_of(context.model) != "language":
            return [(everyone, "it is for the fine-tuning of language models")]
        scales = float(ia3_parameters(context.model))
        copies = np.array([max(habits(name).copies, 1.0) for name in context.frameworks])[rows["framework"]]
        rows["adapter_parameters"] = scales
        rows["adapter_inputs"] = copies * scales  # what is scaled is kept for backward
        rows["saved_input_share"] = 0.0
        rows["trainable_share"] = 0.0
        kept, unrated = kept_or_unrated(self, None, context)
        if kept is None:
            return [(everyone, unrated)]
        keep_quality(rows, kept)
        return []


def ia3_parameters(model: Model) -> int:
    """Scales of keys and values (an output each) and of the MLP's inner activations (an input of its last layer)."""
    total = 0
    for op, copies in model.operators():
        if isinstance(op, Attention):
            total += copies * op.kv_heads * (op.key_width + op.value_width)
    return total + sum(copies * op.inputs for op, copies in adapted(model) if op.name.rsplit(".", 1)[-1] == "down")


class Freezing(Technique):
    """Trains the upper blocks alone: gradients and optimizer state of the share that is trained."""

    name = "freezing"
    slot = "adaptation"
    stage = "adaptation"
    doc = "train the upper blocks alone; the setting is the share trained; unrated"
    aliases = ("layer_freezing",)

    def __init__(self) -> None:
        self.sources = (figures().table.sources["lee2019"],)

    def settings(self, context: Context) -> Sequence[int | str]:
        return ("0.5", "0.25") if self.required(context) or pinned(self, context) else ()

    def required(self, context: Context) -> bool:
        return is_method(self, context)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = share_kept(self, setting, 0.01)
        everyone = np.ones(len(rows), dtype=bool)
        if context.workload.task != "finetune":
            return [(everyone, "it is for fine-tuning")]
        rows["trainable_share"] = rows["trainable_share"] * share
        rows["backward_share"] = share  # it ends before the frozen blocks
        kept, unrated = kept_or_unrated(self, None, context)
        if kept is None:
            return [(everyone, unrated)]
        keep_quality(rows, kept)
        return []
