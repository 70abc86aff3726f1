"""Eviction from the cache: the first tokens and the latest are kept, the rest is dropped."""

from __future__ import annotations

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals
from advisor_serving.generation import OfGeneration, whole
from advisor_serving.sources import H2O, STREAMING

#: Quality kept at a fifth of the cache or more. Zhang et al. 2023 find no loss at a fifth where the tokens are chosen
#: by attention; what is dropped cannot be asked for any more, so that the low end is wide. Estimated from that.
KEPT, LOWEST = 0.99, 0.8
LEAST_SHARE = 0.2


class CacheWindow(OfGeneration):
    """Keeps so many tokens a sequence, attention sinks among them; answers from dropped ones are lost."""

    name = "cache_window"
    slot = "eviction"
    doc = "keep so many tokens of a sequence in the cache, and drop the rest"
    aliases = ("cache_eviction", "streaming_llm", "h2o")
    tried = (1024, 4096)
    sources = (STREAMING, H2O)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        window = whole(self.name, setting, 64, 10**7, 4096)
        length = rows["input_tokens"] + rows["output_tokens"]
        rows["cache_window"] = float(window)
        rows.set_interval("quality", rows["quality"] * KEPT, rows["quality.low"] * LOWEST, rows["quality.high"])
        return [
            *self.not_generation(rows, context),
            (window >= length, "a sequence is no longer than the window"),
            (window < LEAST_SHARE * length, "below a fifth of a sequence no quality is published"),
        ]
