"""Eight-bit key-value caches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.formats import CODES, format_named
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor.operators import Attention
from advisor_quantization.pins import pinned
from advisor_quantization.quality import QualityTable, keep_quality, read_table


class CacheFormat(Technique):
    """Base of the caches that store keys and values in fewer bits; inference of generating models alone."""

    slot = "cache"
    stage = "formats"
    stored: str

    def __init__(self, table: QualityTable) -> None:
        self._table = table
        self.sources = table.sources_of(self.name)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer it where there is a cache that it makes smaller."""
        model = context.model
        has_cache = not context.workload.trains and model.generates and model.cache_elements_per_token > 0
        smaller = self.bits(model) < 0.75 * format_named(model.cache_format).bits
        return ("",) if pinned(self, context) or (has_cache and smaller and self._table.rates(self.name, model)) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        kept = self._table.estimate(self.name, context.model)
        everyone = np.ones(len(rows), dtype=bool)
        if context.workload.trains or not context.model.generates:
            return [(everyone, "there is no key-value cache to shrink")]
        if kept is None:
            return [(everyone, f"no result is published for {self.name} on this kind of model")]
        if format_named(context.model.cache_format).name != self.stored:
            keep_quality(rows, kept)
        rows["cache_format"] = np.int8(CODES[self.stored])
        rows["cache_bits"] = self.bits(context.model)
        lacks = ~context.devices.native[rows["device"], CODES[self.stored]]
        return [(lacks, f"it does not compute {self.stored} natively")]

    def bits(self, model: Model) -> float:
        """Stored bits a cached value, scales included."""
        return float(format_named(self.stored).bits)


class Fp8Cache(CacheFormat):
    """Keys and values in fp8 (E4M3), one scale a tensor, and attention computed in it."""

    name = "fp8_cache"
    doc = "key-value cache in fp8, one scale a tensor"
    aliases = ("cache_fp8", "fp8_kv", "kv_fp8")
    stored = "fp8"


class Int8Cache(CacheFormat):
    """Keys and values in int8, with a 16-bit scale and zero point a head and token (LMDeploy)."""

    name = "int8_cache"
    doc = "key-value cache in int8, a 16-bit scale and zero point a head and token"
    aliases = ("cache_int8", "int8_kv", "kv_int8")
    stored = "int8"

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        refusals = super().apply(rows, setting, context)
        if not pinned(self, context):
            has_fp8 = context.devices.native[rows["device"], CODES["fp8"]]
            refusals = [*refusals, (has_fp8, "an fp8 cache is native and smaller")]
        return refusals

    def bits(self, model: Model) -> float:
        widths = [op.cache_width or op.key_width for op, _ in model.operators()
                  if isinstance(op, Attention) and op.cache_elements]  # fmt: skip
        overhead = 32 * sum(1 / width for width in widths) / len(widths) if widths else 0.0
        return float(format_named("int8").bits) + overhead


def cache_techniques() -> list[Technique]:
    """The two caches."""
    table = read_table("advisor_quantization")
    return [Fp8Cache(table), Int8Cache(table)]
