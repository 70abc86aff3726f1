"""Sharing of training state between data-parallel replicas: ZeRO 1 to 3, and FSDP."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_quantization.pins import pinned
from advisor_sharding.layout import degree, small_state
from advisor_sharding.sources import DEEPSPEED_PIPELINE, FSDP, MEGATRON_CLUSTERS, ZERO


class SharedState(Technique):
    """Replicas share the optimizer state (1), gradients too (2), and weights too (3) (Rajbhandari et al. 2020).

    It follows the layouts, for it needs the replicas that they leave. Unasked, stages 2 and 3 are not
    joined with pipeline stages, as in DeepSpeed.
    """

    slot = "shards"
    stage = "memory"

    def __init__(self, shard_stage: int, doc: str, aliases: Sequence[str] = ()) -> None:
        self.shard_stage = shard_stage
        self.name = f"zero{shard_stage}"
        self.doc = doc
        self.aliases = tuple(aliases)
        self.sources = (ZERO, FSDP, DEEPSPEED_PIPELINE) if shard_stage == 3 else (ZERO, DEEPSPEED_PIPELINE)

    def settings(self, context: Context) -> Sequence[int | str]:
        """For training of models whose state is worth sharing."""
        return ("",) if pinned(self, context) or (context.workload.trains and not small_state(context)) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        rows["shard_stage"] = np.int8(self.shard_stage)
        everyone = np.ones(len(rows), dtype=bool)
        free = pinned(self, context) or context.workload.searches_layouts
        staged = (rows["pipeline_parallel"] > 1) & (self.shard_stage > 1 and not free)
        return [
            (everyone & (not context.workload.trains), "there is no training state to share"),
            (rows["data_parallel"] * rows["context_parallel"] < 2, "one replica has nobody to share its state with"),
            (staged, "with pipeline stages, gradients and weights would be gathered every micro-batch"),
        ]


class DataParallel(Technique):
    """Says how many replicas there must be: other layouts leave them, so that this one only checks."""

    name = "data_parallel"
    slot = "replicas"
    stage = "memory"
    doc = "replicas of the model within the unit: what the other degrees leave"
    aliases = ("dp",)
    sources = (MEGATRON_CLUSTERS,)

    def settings(self, context: Context) -> Sequence[int | str]:
        """None of its own: the other degrees leave the replicas."""
        return ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        wanted = degree(setting, self.name)
        left = rows["data_parallel"]
        other = left != wanted
        have = ", ".join(str(count) for count in np.unique(left)[:3])
        return [(other, f"data_parallel={wanted}, but the other degrees and the devices leave {have} replicas")]


def replica_techniques() -> list[Technique]:
    """The replicas, and the three stages of what they share."""
    return [
        DataParallel(),
        SharedState(1, "replicas share the optimizer state", ("distributed_optimizer",)),
        SharedState(2, "replicas share optimizer state and gradients"),
        SharedState(3, "replicas share optimizer state, gradients and weights", ("fsdp", "fully_sharded")),
    ]
