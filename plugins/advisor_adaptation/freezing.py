"""Layer freezing: the first blocks stay as they are, and backward ends before them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Refusals, Technique
from advisor.names import normalise
from advisor_adaptation.methods import table
from advisor_quantization.pins import pinned
from advisor_quantization.quality import keep_quality

DEFAULT_SHARE = 0.75


class FrozenLayers(Technique):
    """Freezes a share of the blocks from the input on (Lee et al. 2019)."""

    name = "frozen_layers"
    slot = "adaptation"
    stage = "adaptation"
    doc = "the first blocks frozen; setting frozen_share, 0.75 by default"
    aliases = ("freeze",)

    def __init__(self) -> None:
        self.sources = table().sources_of(self.name)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Use it where fine-tuning asks for it."""
        return ("",) if self.required(context) or pinned(self, context) else ()

    def required(self, context: Context) -> bool:
        names = {normalise(name) for name in (self.name, *self.aliases)}
        return context.workload.task == "finetune" and normalise(context.workload.method) in names

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        if context.workload.task != "finetune":
            return [(np.ones(len(rows), dtype=bool), "freezing layers is for fine-tuning")]
        frozen = context.workload.settings.get("frozen_share", DEFAULT_SHARE)
        if not 0 <= frozen < 1:
            raise InputError(f"settings: frozen_share: expected a share from 0 to below 1, not {frozen:g}")
        model = context.model
        blocks = max(model.blocks, 1)
        trained = max(1, round(blocks * (1 - frozen)))
        inside = sum(copies * op.parameters for op, copies in model.operators() if op.quantizable)
        rows["trainable_share"] = inside / model.parameters * trained / blocks
        rows["backward_share"] = trained / blocks
        kept = table().estimate(self.name, model)
        if kept is not None:  # published for a quarter trained: what is lost shrinks as more is trained
            lost = min(1.0, frozen / DEFAULT_SHARE)
            keep_quality(rows, tuple(1 - lost * (1 - end) for end in kept))
        return []
