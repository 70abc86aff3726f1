"""Formats of weights and matrix products: casts, 8-bit and 4-bit quantization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.formats import CODES, format_named
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor_quantization.gguf import gguf_techniques, stored_bits
from advisor_quantization.layouts import LAYOUTS, model_bits
from advisor_quantization.pins import pinned
from advisor_quantization.quality import Kept, QualityTable, keep_quality, read_table
from advisor_quantization.schemes import SCHEMES, Scheme
from advisor_quantization.unrated import kept_or_unrated, may_be_unrated, says_unrated

#: A checkpoint is quantized again only where that saves a quarter of its bits or more.
WORTHWHILE_SHARE = 0.75
#: A mixed checkpoint counts as being in a format from this share of its quantizable weights.
ALREADY_SHARE = 0.9
UNCHANGED = Kept(1.0, 1.0, 1.0)


class WeightFormat(Technique):
    """Stores quantizable weights, and multiplies them, in the formats of a scheme.

    Casts of fp32 models to 16 bits also serve training (mixed precision). In training, fp8 changes the
    products alone: weights, gradients and optimizer state stay as they are.
    """

    slot = "weights"
    stage = "formats"

    def __init__(self, scheme: Scheme, table: QualityTable) -> None:
        self.scheme = scheme
        self.name = scheme.name
        self.doc = says_unrated(scheme.doc, (scheme.rated_as or scheme.name) in table.results)
        self.aliases = scheme.aliases
        self._table = table
        also = ("fp8_training",) if scheme.name == "fp8" else ()
        self.sources = table.sources_of(scheme.rated_as or scheme.name, *also)
        if scheme.documented:
            self.sources = (*self.sources, table.sources[scheme.documented])

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer it where it saves bits and its quality is published; to those who ask, always."""
        if pinned(self, context):
            return ("",)
        if self.scheme.variant or not (
            self._table.rates(self._results(context), context.model) or may_be_unrated(self, context)
        ):
            return ()
        if context.workload.trains:
            return ("",) if self._suits_training(context) else ()
        narrower = format_named(self.scheme.stored).bits <= WORTHWHILE_SHARE * stored_bits(context.model)
        return ("",) if narrower else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        training = context.workload.trains
        if training and not self.scheme.trains:
            everyone = np.ones(len(rows), dtype=bool)
            return [(everyone, f"{self.name} weights are for inference; training in them is not established")]
        kept, unrated = kept_or_unrated(self, self._kept(context), context)
        if kept is None:
            return [(np.ones(len(rows), dtype=bool), unrated)]
        self._rewrite(rows, setting, context)
        keep_quality(rows, kept)
        return self._refusals(rows, context)

    def _rewrite(self, rows: Candidates, setting: int | str, context: Context) -> None:
        if not (context.workload.trains and self.scheme.name == "fp8"):
            rows["requantized"] = True
            rows["weight_format"] = np.int8(CODES[self.scheme.stored])
            rows["weight_bits"] = self.bits(context.model, setting)
        if self.scheme.computed:
            rows["compute_format"] = np.int8(CODES[self.scheme.computed])
        else:
            rows["compute_format"] = _sixteen_bit_codes(rows, context)
        if context.workload.trains and self.scheme.name in ("bf16", "fp16") and _is_fp32(context.model):
            # An fp32 model keeps its weights as the master copy beside the 16-bit ones.
            rows["optimizer_bytes"] = rows["optimizer_bytes"] + 4.0
            rows["gradient_bytes"] = 2.0

    def _refusals(self, rows: Candidates, context: Context) -> Refusals:
        native = context.devices.native
        device = rows["device"]
        if not self.scheme.computed:
            floats = native[:, [CODES["bf16"], CODES["fp16"]]].any(axis=1)
            integers = native[:, CODES["int8"]]
            neither = ~(floats | integers)[device]
            return [(neither, "no 4-bit kernel: it computes neither 16-bit floats nor int8 natively")]
        lacks = ~native[device, CODES[self.scheme.computed]]
        refusals = [(lacks, f"it does not compute {self.scheme.computed} natively")]
        better = self.scheme.dominated_by
        if better and not pinned(self, context):
            runs = native[:, CODES[better]][device] & context.legality.runs((better,), device)
            refusals.append((runs, f"{better} is native and serves at least as well"))
        return refusals

    def bits(self, model: Model, setting: int | str = "") -> float:
        """Stored bits of a quantizable weight, with all that stands beside it; raises ``InputError``."""
        scheme = self.scheme
        if not scheme.layout:
            return float(format_named(scheme.stored).bits)
        sizes = scheme.groups or (0,)
        if setting != "" and (not scheme.groups or str(setting) not in map(str, sizes)):
            wanted = f"a group size of {', '.join(map(str, sizes))}" if scheme.groups else "no setting"
            raise InputError(f"{self.name}: expected {wanted}, not {setting!r}")
        return model_bits(model, LAYOUTS[scheme.layout](int(setting or sizes[0])))

    def _kept(self, context: Context) -> Kept | None:
        results = self._results(context)
        if results != "fp8_training" and _holds(self.scheme.stored, context.model):
            return UNCHANGED
        return self._table.estimate(results, context.model)

    def _results(self, context: Context) -> str:
        rated = self.scheme.rated_as or self.name
        return "fp8_training" if context.workload.trains and self.name == "fp8" else rated

    def _suits_training(self, context: Context) -> bool:
        if self.name == "fp8":  # adapters over fp8 products are not established
            wide = format_named(context.model.weight_format).bits >= 16
            return wide and (context.workload.task == "train" or context.workload.method == "full")
        return self.scheme.trains and _is_fp32(context.model)


def _sizes(model: Model) -> dict[str, int]:
    """Parameters of quantizable operators by the name of the format they are stored in."""
    sizes: dict[str, int] = {}
    for op, copies in model.operators(None):
        if op.quantizable:
            name = format_named(model.format_of(op)).name
            sizes[name] = sizes.get(name, 0) + copies * op.parameters
    return sizes


def _holds(stored: str, model: Model) -> bool:
    """Whether the format holds the weights as they are: theirs already, or at least twice as wide, for nine in ten."""
    sizes = _sizes(model)
    bits = format_named(stored).bits
    held = sum(count for name, count in sizes.items() if name == stored or bits >= 2 * format_named(name).bits)
    return held >= ALREADY_SHARE * sum(sizes.values())


def _is_fp32(model: Model) -> bool:
    return format_named(model.weight_format).bits >= 32


def _sixteen_bit_codes(rows: Candidates, context: Context) -> np.ndarray:
    """The 16-bit float that each row's device computes natively: the model's own where it can."""
    own = "fp16" if format_named(context.model.weight_format).name == "fp16" else "bf16"
    other = "bf16" if own == "fp16" else "fp16"
    native = context.devices.native[rows["device"]]
    use_other = ~native[:, CODES[own]] & native[:, CODES[other]]
    return np.where(use_other, CODES[other], CODES[own]).astype(np.int8)


def weight_techniques() -> list[Technique]:
    """One technique a scheme, and one a file type of GGUF."""
    table = read_table("advisor_quantization")
    return [*(WeightFormat(scheme, table) for scheme in SCHEMES), *gguf_techniques(table)]
