"""Offload: what training keeps in the memory of the host instead of the device's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_quantization.pins import pinned
from advisor_sharding.layout import small_state
from advisor_sharding.sources import ACTIVATION_OFFLOAD, ZERO_INFINITY, ZERO_OFFLOAD


class Offload(Technique):
    """Moves one kind of state to the host; tried where named, and in a search of all layouts."""

    stage = "memory"

    def __init__(self, what: str, column: str, doc: str, least_stage: int = 0) -> None:
        self.name = f"offload_{what}"
        self.slot = f"{what}_offload"
        self.doc = doc
        self.column = column
        self.least_stage = least_stage
        self.aliases = (f"{what}_offload", f"cpu_offload_{what}")
        self.sources = (ACTIVATION_OFFLOAD,) if what == "activations" else (ZERO_OFFLOAD, ZERO_INFINITY)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Where it is named, or all layouts are searched."""
        searched = context.workload.searches_layouts and context.workload.trains and not small_state(context)
        return ("",) if searched or pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        rows[self.column] = 1.0
        everyone = np.ones(len(rows), dtype=bool)
        host = context.systems.host_memory_bytes[rows["system"]]
        alone = rows["data_parallel"] * rows["context_parallel"] < 2
        return [
            (everyone & (not context.workload.trains), "offload is for training"),
            (np.isnan(host) & context.workload.searches_layouts, "the memory of the host is not known"),
            ((rows["shard_stage"] < self.least_stage) & ~alone, f"replicas need zero{self.least_stage} for it"),
            ((rows["recompute"] < 2) & (self.column == "activation_offload") & context.workload.searches_layouts,
             "activations are offloaded where whole blocks are computed again"),
        ]  # fmt: skip


def offload_techniques() -> list[Technique]:
    """Optimizer state with gradients, weights, and saved activations."""
    return [
        Offload("optimizer", "optimizer_offload", "optimizer state and gradients in host memory, updated there"),
        Offload("weights", "weight_offload", "weights in host memory, fetched block by block", least_stage=3),
        Offload("activations", "activation_offload", "saved activations in host memory until backward"),
    ]
