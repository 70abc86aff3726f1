"""The file types of GGUF: which tensor is stored in which block format, and so the bits of a weight.

The mixtures follow llama.cpp's ``llama-quant.cpp`` (``llama_tensor_get_type``) as of 2026, for other architectures
than Falcon, and without an importance matrix where a type can do without. The README of its quantize tool gives the
bits of Llama 3.1 8B, which these are checked against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.formats import CODES, format_named
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor.operators import Attention, Embedding, ExpertMatMul, MatMul
from advisor_quantization.pins import pinned
from advisor_quantization.quality import QualityTable, keep_quality
from advisor_quantization.unrated import kept_or_unrated, may_be_unrated, says_unrated

#: Techniques in whose place a device without them gets a GGUF file by default.
INSTEAD_OF = {"q4_k_m": ("int4", "nvfp4"), "q8_0": ("fp8", "int8")}


class Shape(Struct, frozen=True):
    """What a rule looks at: block, blocks, query heads a cached one, experts."""

    block: int
    blocks: int
    sharing: int
    experts: int

    @property
    def more_bits(self) -> bool:
        """The first and last eighth of the blocks, and each third of the others."""
        eighth = self.blocks // 8
        return self.block < eighth or self.block >= 7 * self.blocks // 8 or (self.block - eighth) % 3 == 2

    def first(self, part: int) -> bool:
        """Whether the block is within the first of so many parts."""
        return self.block < self.blocks // part


Rule = Callable[[Shape], str]


class FileType(Struct, frozen=True):
    """A file type: the format of most tensors, and of those that are stored otherwise."""

    name: str
    base: str
    output: str = "q6_k"
    embedding: str = ""
    rules: dict[str, Rule] = {}  # v, down, o, q, k
    doc: str = ""


def _mixed(base: str, more: str) -> dict[str, Rule]:
    return {"v": lambda s: more if s.more_bits else base, "down": lambda s: more if s.more_bits else base}


_LOW: dict[str, Rule] = {
    "v": lambda s: "q4_k" if s.sharing >= 4 or s.experts >= 4 else "q2_k",
    "down": lambda s: "q2_k" if s.first(8) else "",
}  # fmt: skip
_LOW_S: dict[str, Rule] = {
    "v": lambda s: "q4_k" if s.sharing >= 4 or s.experts >= 4 else "iq3_s",
    "down": lambda s: "iq3_s" if s.first(8) else "", "o": lambda s: "q5_k" if s.experts == 8 else "iq3_s",
}  # fmt: skip
_LOW_1 = {**_LOW, "o": lambda s: "q5_k" if s.experts == 8 else "iq2_xxs"}
_FOUR: dict[str, Rule] = {
    "v": lambda s: "q5_k" if s.sharing >= 4 else "", "down": lambda s: "q5_k" if s.first(8) else "",
}  # fmt: skip

FILE_TYPES = (
    *(FileType(name, name, doc=f"GGUF {name.upper()}") for name in ("q4_0", "q4_1", "q5_0", "q5_1")),
    FileType("q8_0", "q8_0", "q8_0", doc="GGUF Q8_0: 8-bit weights, a scale each 32"),
    FileType("q2_k", "q2_k", rules={
        "v": lambda s: "q4_k" if s.sharing >= 4 else "q3_k", "down": lambda s: "q3_k", "o": lambda s: "q3_k"}),
    FileType("q3_k_s", "q3_k"),
    FileType("q3_k_m", "q3_k", rules={
        "v": lambda s: "q5_k" if s.block < 2 else "q4_k", "down": lambda s: "q5_k" if s.first(16) else "q4_k",
        "o": lambda s: "q4_k"}),
    FileType("q3_k_l", "q3_k", rules={"v": lambda s: "q5_k", "down": lambda s: "q5_k", "o": lambda s: "q5_k"}),
    FileType("q4_k_s", "q4_k", rules={
        "v": lambda s: "q5_k" if s.block < 4 else "", "down": lambda s: "q5_k" if s.first(8) else ""}),
    FileType("q4_k_m", "q4_k", rules=_mixed("q4_k", "q6_k"),
             doc="GGUF Q4_K_M: 4-bit weights, 6-bit where it matters most"),
    FileType("q5_k_s", "q5_k"),
    FileType("q5_k_m", "q5_k", rules=_mixed("q5_k", "q6_k")),
    FileType("q6_k", "q6_k"),
    FileType("iq1_s", "iq1_s", "q5_k", "q2_k", _LOW_1),
    FileType("iq1_m", "iq1_m", "q5_k", "q2_k", _LOW_1),
    FileType("iq2_xxs", "iq2_xxs", "q5_k", "q2_k", _LOW),
    FileType("iq2_xs", "iq2_xs", "q5_k", "q2_k", _LOW),
    FileType("iq2_s", "iq2_xs", "q5_k", "iq3_s", _LOW_S),
    FileType("iq3_xxs", "iq3_xxs", "q5_k", "iq3_s", {
        "v": lambda s: "q4_k" if s.sharing >= 4 else "iq3_xxs",  # with the importance matrix that it needs
        "o": lambda s: "q5_k" if s.experts == 8 else "iq3_s", "q": lambda s: "iq2_s", "k": lambda s: "iq2_s"}),
    FileType("iq3_s", "iq3_s", rules={"v": lambda s: "q4_k" if s.sharing >= 4 else ""}),
    FileType("iq4_nl", "iq4_nl", rules=_FOUR),
    FileType("iq4_xs", "iq4_xs", rules=_FOUR),
    FileType("tq1_0", "tq1_0", embedding="q4_k", doc="GGUF TQ1_0: ternary weights, for models trained so"),
    FileType("tq2_0", "tq2_0", embedding="q4_k", doc="GGUF TQ2_0: ternary weights, for models trained so"),
)  # fmt: skip


def file_bits(model: Model, file_type: FileType) -> tuple[float, float]:
    """Mean bits of a quantizable weight, and of the rest (embedding and output table)."""
    kept = [op for op, _ in model.operators(None) if isinstance(op, Attention)]
    sharing = max((op.heads // max(op.kv_heads, 1) for op in kept), default=1)
    experts = max((op.experts for op, _ in model.operators(None) if isinstance(op, ExpertMatMul)), default=0)
    bits = count = 0.0
    for op, copies in model.operators(None):
        if op.quantizable and op.parameters and isinstance(op, MatMul):
            for part, share in parts(op, model):
                chosen = [_format(part, file_type, Shape(block, model.blocks, sharing, experts), op)
                          for block in range(max(model.blocks, 1))]  # fmt: skip
                mean = sum(chosen.count(name) * format_named(name).bits for name in dict.fromkeys(chosen)) / len(chosen)
                bits += copies * op.parameters * share * mean
                count += copies * op.parameters * share
    return (bits / count if count else format_named(file_type.base).bits), _table_bits(model, file_type)


def _format(part: str, file_type: FileType, shape: Shape, op: MatMul) -> str:
    rule = file_type.rules.get(part)
    chosen = (rule(shape) if rule else "") or file_type.base
    if shape.experts == 8 and part in ("v", "k") and not file_type.name.startswith(("iq1", "iq2")):
        chosen = "q8_0"  # small beside eight experts
    if op.inputs % 256 and chosen not in ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0"):
        return FALLBACK.get(chosen, "q8_0")
    return chosen


#: Block formats of 256 values, and what stands in where a row is no multiple of 256.
FALLBACK = {"iq4_xs": "iq4_nl", "q2_k": "iq4_nl", "q3_k": "iq4_nl", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0",
            "iq1_s": "iq4_nl", "iq1_m": "iq4_nl", "iq2_xxs": "iq4_nl", "iq2_xs": "iq4_nl", "iq2_s": "iq4_nl",
            "iq3_xxs": "iq4_nl", "iq3_s": "iq4_nl", "tq1_0": "q4_0", "tq2_0": "q4_0", "iq4_nl": "iq4_nl"}  # fmt: skip


def _table_bits(model: Model, file_type: FileType) -> float:
    """Bits of a value of the embedding and of the output table; a table that is both is stored as the output."""
    sizes: list[tuple[int, str]] = []
    tied = any(isinstance(op, MatMul) and op.tied and op.last_unit_only for op, _ in model.operators(None))
    for op, copies in model.operators(None):
        if isinstance(op, MatMul) and op.last_unit_only and op.parameters:
            sizes.append((copies * op.parameters, file_type.output))
        elif isinstance(op, Embedding) and op.parameters:
            sizes.append((copies * op.parameters, file_type.output if tied else file_type.embedding or file_type.base))
    total = sum(size for size, _ in sizes)
    return sum(size * format_named(name).bits for size, name in sizes) / total if total else 0.0


def parts(op: MatMul, model: Model) -> list[tuple[str, float]]:
    """What llama.cpp keeps apart of an operator, with each part's share: ``qkv`` is ``q``, ``k`` and ``v``."""
    name = op.name.rsplit(".", 1)[-1]
    if name == "qkv":
        for attention, _ in model.operators(None):
            if isinstance(attention, Attention):
                sizes = {"q": attention.heads * attention.key_width, "k": attention.kv_heads * attention.key_width,
                         "v": attention.kv_heads * attention.value_width}  # fmt: skip
                if sum(sizes.values()) == op.outputs:
                    return [(part, size / op.outputs) for part, size in sizes.items()]
    return [(name, 1.0)]


class GgufWeights(Technique):
    """Weights in a file type of GGUF, multiplied from the blocks as they are stored (llama.cpp)."""

    slot = "weights"
    stage = "formats"

    def __init__(self, file_type: FileType, table: QualityTable) -> None:
        self.file_type = file_type
        self.name = file_type.name
        self.doc = says_unrated(file_type.doc or f"GGUF {file_type.name.upper()}", file_type.name in table.results)
        self.aliases = (f"gguf_{file_type.name}",)
        self._table = table
        self.sources = table.sources_of(self.name) or (table.sources["llama_cpp_quantize"],)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer it where it is named; two of them where the device has no other way to as few bits."""
        if pinned(self, context):
            return ("",)
        model = context.model
        suits = not context.workload.trains and model.generates and self.name in INSTEAD_OF
        rated = self._table.rates(self.name, model) or may_be_unrated(self, context)
        fewer = suits and rated and self._bits(context)[0] <= 0.75 * stored_bits(model)
        return ("",) if fewer and context.known_frameworks else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        everyone = np.ones(len(rows), dtype=bool)
        model = context.model
        if context.workload.trains or model.unit != "token":
            return [(everyone, "GGUF is for the inference of language models")]
        kept, unrated = kept_or_unrated(self, self._table.estimate(self.name, model), context)
        if kept is None:
            return [(everyone, unrated)]
        weights, tables = self._bits(context)
        rows["requantized"] = True
        rows["weight_format"] = np.int8(CODES[self.file_type.base])
        rows["weight_bits"] = weights
        rows["table_bits"] = tables
        native = context.devices.native[rows["device"]]
        rows["compute_format"] = np.where(native[:, CODES["fp16"]], CODES["fp16"], CODES["fp32"]).astype(np.int8)
        keep_quality(rows, kept)
        others = INSTEAD_OF.get(self.name, ())
        if not others or pinned(self, context):
            return []
        runs = context.legality.known[rows["device"]] & ~context.legality.runs(others, rows["device"])
        return [(~runs, f"{' or '.join(others)} runs there and is served faster")]

    def _bits(self, context: Context) -> tuple[float, float]:
        return context.once(f"quantization.{self.name}.bits", lambda: self.bits(context.model))

    def bits(self, model: Model) -> tuple[float, float]:
        """Mean bits of a quantizable weight, and of a value of the embedding and output tables."""
        return file_bits(model, self.file_type)


def stored_bits(model: Model) -> float:
    """Mean stored bits of a quantizable weight, as the model file has them."""
    sizes = [(copies * op.parameters, format_named(model.format_of(op)).bits)
             for op, copies in model.operators(None) if op.quantizable]  # fmt: skip
    total = sum(size for size, _ in sizes)
    return sum(size * bits for size, bits in sizes) / total if total else format_named(model.weight_format).bits


def gguf_techniques(table: QualityTable) -> list[Technique]:
    """One technique a file type."""
    return [GgufWeights(file_type, table) for file_type in FILE_TYPES]
