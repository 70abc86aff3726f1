"""Context parallelism: devices share each sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_sharding.layout import degree, fit_replicas, most_devices, powers_of_two
from advisor_sharding.sources import LLAMA3, RING_ATTENTION

#: Sequences from which it is tried unasked: Llama 3 trains without it at 8,192 tokens and with 16 at 131,072.
LONG_SEQUENCE_TOKENS = 32768
TOKENS_A_DEVICE = 8192
#: A search goes down to so many, where two chunks still fill a block of fused attention (128, Dao 2023) each.
LEAST_TOKENS_A_DEVICE = 256


class ContextParallel(Technique):
    """Cuts each training sequence into chunks, two a device so that causal work is even (Llama 3)."""

    name = "context_parallel"
    slot = "context"
    stage = "layout"
    doc = "devices that share each sequence in training"
    aliases = ("cp",)
    sources = (RING_ATTENTION, LLAMA3)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Powers of two down to 8,192 tokens a device, for training on long sequences."""
        workload = context.workload
        if not workload.trains or context.model.unit != "token":
            return ()
        length = workload.sequence_length(context.model.max_context)
        if workload.searches_layouts:
            return powers_of_two(min(length // LEAST_TOKENS_A_DEVICE, most_devices(context)))
        most = min(length // TOKENS_A_DEVICE, most_devices(context))
        return powers_of_two(most) if length >= LONG_SEQUENCE_TOKENS else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        size = degree(setting, self.name)
        rows["context_parallel"] = np.int32(size)
        everyone = np.ones(len(rows), dtype=bool)
        uneven = (size > 1) & (rows["sequence_length"] % (2 * size) != 0)
        return [
            (everyone & (size > 1 and not context.workload.trains), "context parallelism is for training here"),
            (uneven, f"the sequence does not divide into 2 x {size} chunks"),
            *fit_replicas(rows),
        ]
