"""Key-value caches in fewer bits."""

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
from advisor_quantization.unrated import kept_or_unrated, may_be_unrated


class CacheFormat(Technique):
    """Base of the caches that store keys and values in fewer bits; inference of generating models alone."""

    slot = "cache"
    stage = "formats"
    stored: str
    computed = ""  # attention in this format, which the device must have; else widened as it is read
    variant = False  # tried only where it is named

    def __init__(self, table: QualityTable) -> None:
        self._table = table
        self.sources = table.sources_of(self.name)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer it where there is a cache that it makes smaller."""
        model = context.model
        has_cache = not context.workload.trains and model.generates and model.cache_elements_per_token > 0
        smaller = self.bits(model) < 0.75 * format_named(model.cache_format).bits
        rated = self._table.rates(self.name, model) or may_be_unrated(self, context)
        return ("",) if pinned(self, context) or (not self.variant and has_cache and smaller and rated) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        kept, unrated = kept_or_unrated(self, self._table.estimate(self.name, context.model), context)
        everyone = np.ones(len(rows), dtype=bool)
        if context.workload.trains or not context.model.generates:
            return [(everyone, "there is no key-value cache to shrink")]
        if kept is None:
            return [(everyone, unrated)]
        if format_named(context.model.cache_format).name != self.stored:
            keep_quality(rows, kept)
        rows["cache_format"] = np.int8(CODES[self.stored])
        rows["cache_bits"] = self.bits(context.model)
        if not self.computed:
            return []
        lacks = ~context.devices.native[rows["device"], CODES[self.computed]]
        return [(lacks, f"it does not compute {self.computed} natively")]

    def bits(self, model: Model) -> float:
        """Stored bits a cached value, scales included."""
        return float(format_named(self.stored).bits)


class Fp8Cache(CacheFormat):
    """Keys and values in fp8 (E4M3), one scale a tensor, and attention computed in it."""

    name = "fp8_cache"
    doc = "key-value cache in fp8, one scale a tensor"
    aliases = ("cache_fp8", "fp8_kv", "kv_fp8")
    stored = computed = "fp8"


class Int8Cache(CacheFormat):
    """Keys and values in int8, with a 16-bit scale and zero point a head and token (LMDeploy)."""

    name = "int8_cache"
    doc = "key-value cache in int8, a 16-bit scale and zero point a head and token"
    aliases = ("cache_int8", "int8_kv", "kv_int8")
    stored = computed = "int8"

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        refusals = super().apply(rows, setting, context)
        if not pinned(self, context):
            has_fp8 = context.devices.native[rows["device"], CODES["fp8"]]
            has_fp8 = has_fp8 & context.legality.runs(("fp8_cache",), rows["device"])
            refusals = [*refusals, (has_fp8, "an fp8 cache is native and smaller")]
        return refusals

    def bits(self, model: Model) -> float:
        return float(format_named("int8").bits) + scales_of_heads(model)


class Int4Cache(CacheFormat):
    """Keys and values in 4 bits, with a 16-bit scale and zero point a head and token (LMDeploy)."""

    name = "int4_cache"
    doc = "key-value cache in 4 bits, a 16-bit scale and zero point a head and token"
    aliases = ("cache_int4", "int4_kv", "kv_int4")
    stored = "int4"
    variant = True

    def bits(self, model: Model) -> float:
        return 4.0 + scales_of_heads(model)


class GgmlCache(CacheFormat):
    """Keys and values in a block format of ggml (llama.cpp, ``--cache-type-k`` and ``-v``)."""

    variant = True

    def __init__(self, table: QualityTable, stored: str) -> None:
        self.name = f"{stored}_cache"
        self.stored = stored
        self.doc = f"key-value cache in ggml's {stored.upper()} blocks of 32 values; unrated"
        self.aliases = (f"kv_{stored}",)
        super().__init__(table)
        self.sources = self.sources or (table.sources["llama_cpp_quantize"],)


def scales_of_heads(model: Model) -> float:
    """Bits a value of a 16-bit scale and zero point a head and token."""
    widths = [op.cache_width or op.key_width for op, _ in model.operators()
              if isinstance(op, Attention) and op.cache_elements]  # fmt: skip
    return 32 * sum(1 / width for width in widths) / len(widths) if widths else 0.0


def cache_techniques() -> list[Technique]:
    """The caches."""
    table = read_table("advisor_quantization")
    return [Fp8Cache(table), Int8Cache(table), Int4Cache(table), GgmlCache(table, "q8_0"), GgmlCache(table, "q4_0")]
