"""Low-rank adapters: the model is frozen, and two thin matrices beside each linear layer are trained."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.formats import CODES, FORMATS, arithmetic_code
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor.operators import Attention, Convolution, ExpertMatMul, MatMul
from advisor_compression.figures import figures
from advisor_compression.targets import adapter_inputs, habits, saved_input_share
from advisor_quantization.pins import is_method, pinned
from advisor_quantization.quality import keep_quality, kind_of

DEFAULT_RANK = 16

#: Linear layers that a checkpoint keeps apart and a reader joins; each gets an adapter of its own.
JOINED = {
    "qkv": ("q", "k", "v"),
    "qkv_a": ("q_a", "kv_a"),
    "gate_up": ("gate", "up"),
}


def adapted(model: Model) -> list[tuple[MatMul, int]]:
    """The linear layers of attention and MLP with their copies: not logits, routers, or routed experts.

    Routed experts stay without adapters, as PEFT leaves fused experts by default.
    """
    return [
        (op, copies)
        for op, copies in model.operators()
        if isinstance(op, MatMul) and op.quantizable and not op.last_unit_only
        and not isinstance(op, (ExpertMatMul, Convolution))
    ]  # fmt: skip


def adapter_parameters(model: Model, rank: int, targets: Collection[str] = ()) -> int:
    """Parameters of adapters of a rank: rank x (inputs + outputs) a linear layer (Hu et al. 2021).

    ``targets`` names the layers (``q``, ``v``, ``gate``); empty means all. Layers that a reader joins
    (``qkv``) count as those they are made of; a checkpoint that joins them itself (Phi-3) has fewer.
    """
    return sum(
        copies * rank * (op.inputs + outputs)
        for op, copies in adapted(model)
        for name, outputs in _parts(op, model)
        if not targets or name in targets
    )


def _parts(op: MatMul, model: Model) -> list[tuple[str, int]]:
    """Names and outputs of the linear layers that an operator joins: keys and values as cached, else equal parts."""
    own = op.name.rsplit(".", 1)[-1]
    names = JOINED.get(own, (own,))
    if own == "qkv":
        for attention, _ in model.operators():
            if isinstance(attention, Attention):
                key, value = attention.kv_heads * attention.key_width, attention.kv_heads * attention.value_width
                query = attention.heads * attention.key_width
                if query + key + value == op.outputs:
                    return [("q", query), ("k", key), ("v", value)]
    each, rest = divmod(op.outputs, len(names))
    return [(name, each + (rest if position == 0 else 0)) for position, name in enumerate(names)]


class Lora(Technique):
    """Frozen weights in their own format; adapters of the workload's ``lora_rank`` are trained."""

    name = "lora"
    slot = "adaptation"
    stage = "adaptation"
    doc = "low-rank adapters on all linear layers of attention and MLP; setting lora_rank, 16 by default"

    def __init__(self) -> None:
        self._table = figures().table
        self.sources = (*self._table.sources_of("lora"), self._table.sources["biderman2024"])

    def settings(self, context: Context) -> Sequence[int | str]:
        """Use it where fine-tuning asks for it."""
        return ("",) if self.required(context) or pinned(self, context) else ()

    def required(self, context: Context) -> bool:
        return is_method(self, context)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        everyone = np.ones(len(rows), dtype=bool)
        if context.workload.task != "finetune":
            return [(everyone, "adapters are for fine-tuning")]
        kept = self._table.estimate("lora", context.model)
        if kind_of(context.model) != "language" or kept is None:
            return [(everyone, "adapters are published for language models alone")]
        # The adapter's own weights are trained in 16 bits with fp32 copies; core's optimizer_bytes say so.
        model, rank = context.model, lora_rank(context)
        everywhere = context.workload.settings.get("lora_all", 0.0) > 0
        used = [habits(name) for name in context.frameworks]
        targets = [() if everywhere else habit.targets for habit in used]
        added = [adapter_parameters(model, rank, chosen) or adapter_parameters(model, rank) for chosen in targets]
        inputs = [habit.copies * adapter_inputs(model, chosen, habit.joined)
                  for habit, chosen in zip(used, targets, strict=True)]  # fmt: skip
        shares = [saved_input_share(model, chosen, habit.copies) for habit, chosen in zip(used, targets, strict=True)]
        rows["adapter_parameters"] = np.array(added, dtype=float)[rows["framework"]]
        rows["adapter_inputs"] = np.array(inputs, dtype=float)[rows["framework"]]
        rows["saved_input_share"] = np.array(shares)[rows["framework"]]
        rows["trainable_share"] = 0.0
        keep_quality(rows, kept)
        return []


class Qlora(Lora):
    """LoRA over weights stored in NF4 with double quantization, widened to 16 bits for each product."""

    name = "qlora"
    doc = "low-rank adapters over NF4 weights; setting lora_rank, 16 by default"

    def __init__(self) -> None:
        super().__init__()
        self.sources = (*self.sources, *self._table.sources_of("nf4_under_adapters"))

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        refusals = super().apply(rows, setting, context)
        kept = self._table.estimate("nf4_under_adapters", context.model)
        if refusals or kept is None:
            return refusals
        bits = np.array([entry.bits for entry in FORMATS])[rows["compute_format"]]
        chosen = rows["compute_format"] != arithmetic_code(context.model.weight_format)
        bf16, fp16, nf4 = CODES["bf16"], CODES["fp16"], CODES["nf4"]
        native = context.devices.native[rows["device"]]
        rows["requantized"] = True
        copies = np.array([habits(name).narrow_copies for name in context.frameworks])
        rows["saved_input_share"] = copies[rows["framework"]]  # of adapted products or not
        rows["weight_format"] = np.int8(nf4)
        rows["weight_bits"] = float(FORMATS[nf4].bits)
        rows["compute_format"] = np.where(native[:, bf16] | ~native[:, fp16], bf16, fp16).astype(np.int8)
        keep_quality(rows, kept)
        return [
            (chosen & (bits < 16), "NF4 weights are multiplied in 16 bits"),
            (~(native[:, bf16] | native[:, fp16]), "it computes no 16-bit floats natively"),
        ]


def lora_rank(context: Context) -> int:
    """The rank that the workload sets, or 16; raises ``InputError`` unless it is a whole number above 0."""
    rank = context.workload.settings.get("lora_rank", DEFAULT_RANK)
    if rank < 1 or rank != int(rank):
        raise InputError(f"settings: lora_rank: expected a whole number such as 16, not {rank:g}")
    return int(rank)
