"""Formats of weights and matrix products: casts, 8-bit and 4-bit quantization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.formats import CODES, format_named
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor_quantization.pins import pinned
from advisor_quantization.quality import Kept, QualityTable, keep_quality, read_table

#: A checkpoint is quantized again only where that saves a quarter of its bits or more.
WORTHWHILE_SHARE = 0.75
#: A mixed checkpoint counts as being in a format from this share of its quantizable weights.
ALREADY_SHARE = 0.9
UNCHANGED = Kept(1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to store and multiply weights.

    ``stored`` and ``computed`` are formats; an empty ``computed`` means 16-bit floats, to which kernels
    widen the weights (weight-only). ``dominated_by`` names a format: where a device has it natively, it
    is as small and as fast and keeps at least as much quality: only those who ask for this one get it.
    """

    name: str
    stored: str
    computed: str
    doc: str
    aliases: tuple[str, ...] = ()
    dominated_by: str = ""

    @property
    def trains(self) -> bool:
        """Whether training in it is established practice: mixed precision, and fp8 products."""
        return self.name in ("bf16", "fp16", "fp8")


SCHEMES = (
    Scheme("bf16", "bf16", "bf16", "cast fp32 weights and products to bfloat16", ("bfloat16",)),
    Scheme("fp16", "fp16", "fp16", "cast fp32 weights and products to IEEE half", ("float16", "half"), "bf16"),
    Scheme("fp8", "fp8", "fp8", "fp8 weights and activations (W8A8); in training, fp8 products", ("w8a8_fp8",)),
    Scheme("int8", "int8", "int8", "int8 weights and activations (W8A8), a scale a channel",
           ("w8a8", "w8a8_int8", "smoothquant"), "fp8"),
    Scheme("int4", "int4", "", "4-bit weights in groups of 128 with 16-bit activations (GPTQ, AWQ)",
           ("awq", "gptq", "w4a16")),
    Scheme("nvfp4", "nvfp4", "nvfp4", "4-bit floats in blocks of 16, weights and activations", ("fp4",)),
    Scheme("mxfp4", "mxfp4", "mxfp4", "4-bit floats in blocks of 32, weights and activations", (), "nvfp4"),
)  # fmt: skip


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
        self.doc = scheme.doc
        self.aliases = scheme.aliases
        self._table = table
        also = ("fp8_training",) if scheme.name == "fp8" else ()
        self.sources = table.sources_of(scheme.name, *also)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer it where it saves bits and its quality is published; to those who ask, always."""
        if pinned(self, context):
            return ("",)
        if not self._table.rates(self._results(context), context.model):
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
        kept = self._kept(context)
        if kept is None:
            everyone = np.ones(len(rows), dtype=bool)
            return [(everyone, f"no result is published for {self.name} on this kind of model")]
        self._rewrite(rows, context)
        keep_quality(rows, kept)
        return self._refusals(rows, context)

    def _rewrite(self, rows: Candidates, context: Context) -> None:
        if not (context.workload.trains and self.scheme.name == "fp8"):
            rows["requantized"] = True
            rows["weight_format"] = np.int8(CODES[self.scheme.stored])
            rows["weight_bits"] = float(format_named(self.scheme.stored).bits)
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
            refusals.append((native[device, CODES[better]], f"{better} is native and serves at least as well"))
        return refusals

    def _kept(self, context: Context) -> Kept | None:
        results = self._results(context)
        if results == self.name and _holds(self.scheme.stored, context.model):
            return UNCHANGED
        return self._table.estimate(results, context.model)

    def _results(self, context: Context) -> str:
        return "fp8_training" if context.workload.trains and self.name == "fp8" else self.name

    def _suits_training(self, context: Context) -> bool:
        if self.name == "fp8":  # adapters over fp8 products are not established
            wide = format_named(context.model.weight_format).bits >= 16
            return wide and (context.workload.task == "train" or context.workload.method == "full")
        return self.scheme.trains and _is_fp32(context.model)


def stored_bits(model: Model) -> float:
    """Mean stored bits of a quantizable weight, as the model file has them."""
    sizes = _sizes(model)
    total = sum(sizes.values())
    if not total:
        return format_named(model.weight_format).bits
    return sum(count * format_named(name).bits for name, count in sizes.items()) / total


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
    """One technique a scheme."""
    table = read_table("advisor_quantization")
    return [WeightFormat(scheme, table) for scheme in SCHEMES]
