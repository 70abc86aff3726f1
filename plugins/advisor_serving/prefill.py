"""How prompts are computed: from a cache of prefixes, in chunks, or on replicas of their own."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals
from advisor_serving.generation import OfGeneration, whole
from advisor_serving.sources import DISTSERVE, SARATHI, SGLANG, SPLITWISE


class PrefixCaching(OfGeneration):
    """Prompts that begin alike share the cache of the beginning; ``--prefix-share`` says how much is alike."""

    name = "prefix_caching"
    slot = "prefix"
    doc = "the beginning that prompts share is computed once (--prefix-share)"
    aliases = ("automatic_prefix_caching", "radix_attention")
    sources = (SGLANG,)

    def by_default(self, context: Context) -> bool:
        """Where the user says that prompts share a beginning."""
        return context.workload.prefix_share > 0

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        share = context.workload.prefix_share
        rows["prefill_share"] = 1.0 - share
        nothing = np.full(len(rows), share <= 0)
        return [*self.not_generation(rows, context), (nothing, "prompts share no beginning (--prefix-share)")]


class ChunkedPrefill(OfGeneration):
    """A prompt is computed in chunks between decode steps: others wait for a chunk at most, it waits for them.

    Frameworks chunk as they see fit where this is not named; their constants are fitted on servers that do.
    """

    name = "chunked_prefill"
    slot = "chunks"
    doc = "prompts in chunks of so many tokens between decode steps"
    tried = (512, 2048)
    sources = (SARATHI,)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        rows["prefill_chunk"] = float(whole(self.name, setting, 16, 10**6, 512))
        return self.not_generation(rows, context)


class Disaggregated(OfGeneration):
    """Some replicas of the unit compute prompts and send their cache on to those that decode.

    The setting is the number that prefill; it needs two replicas or more in a unit.
    """

    name = "disaggregated"
    slot = "phases"
    doc = "prefill and decode on different replicas of the unit; the setting is how many prefill"
    aliases = ("disaggregated_prefill", "pd_disaggregation")
    tried = (1, 2, 4)
    sources = (DISTSERVE, SPLITWISE)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        helpers = whole(self.name, setting, 1, 10**4, 1)
        rows["prefill_replicas"] = float(helpers)
        few = rows["data_parallel"] <= helpers
        return [*self.not_generation(rows, context), (few, "no replica of the unit is left to decode")]
