"""Schedules of pipeline stages beside one forward one backward: GPipe and zero bubble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_quantization.pins import pinned
from advisor_sharding.sources import GPIPE, ZERO_BUBBLE


class Schedule(Technique):
    """Sets ``pipeline_schedule``; tried where named."""

    slot = "schedule"
    stage = "memory"

    def __init__(self, name: str, code: int, doc: str, chunked: bool, aliases: Sequence[str] = ()) -> None:
        self.name = name
        self.code = code
        self.doc = doc
        self.chunked = chunked
        self.aliases = tuple(aliases)
        self.sources = (ZERO_BUBBLE,) if chunked else (GPIPE,)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Where it is named."""
        return ("",) if pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        rows["pipeline_schedule"] = np.int8(self.code)
        return [
            (np.full(len(rows), not context.workload.trains), "pipeline schedules are for training"),
            (rows["pipeline_parallel"] < 2, "there is no pipeline"),
            (rows["virtual_stages"] > 1, f"{self.name} has no interleaved stages"),
        ]


def schedule_techniques() -> list[Technique]:
    """GPipe (all forward, then all backward) and zero bubble (weight gradients fill the bubble)."""
    return [
        Schedule("gpipe", 1, "all micro-batches forward, then all backward", False),
        Schedule("zero_bubble", 2, "weight gradients computed in the pipeline's bubble (ZB-H1)", True, ("zb", "zb_h1")),
    ]
