"""Recomputation: activations are dropped in the forward pass and computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Refusals, Technique
from advisor.operators import Attention
from advisor_sharding.layout import small_state
from advisor_sharding.sources import CHECKPOINTING, RECOMPUTATION

LEVELS = {"selective": 1, "full": 2}


class Recompute(Technique):
    """Computes again the attention core alone (selective) or whole blocks (full)."""

    name = "recompute"
    slot = "recompute"
    stage = "memory"
    doc = "activations computed again: selective (attention) or full (whole blocks)"
    aliases = ("activation_checkpointing", "gradient_checkpointing")
    sources = (RECOMPUTATION, CHECKPOINTING)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Both for transformers in training, full alone for other deep networks."""
        if not context.workload.trains or small_state(context) or context.model.blocks < 2:
            return ()
        return ("selective", "full") if _attends(context) else ("full",)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        level = LEVELS.get(str(setting).lower())
        if level is None:
            raise InputError(f"{self.name}: expected {' or '.join(LEVELS)}, not {setting!r}")
        rows["recompute"] = np.int8(level)
        everyone = np.ones(len(rows), dtype=bool)
        return [
            (everyone & (not context.workload.trains), "inference keeps no activations"),
            (everyone & (level == 1 and not _attends(context)), "there is no attention to compute again"),
        ]


def _attends(context: Context) -> bool:
    return any(isinstance(op, Attention) for op, _ in context.model.operators())
