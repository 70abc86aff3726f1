"""Which linear layers get adapters, and what their inputs cost in memory, by framework."""

from __future__ import annotations

import re

from msgspec import Struct

from advisor.models import Model
from advisor.operators import MatMul


class Habits(Struct, frozen=True):
    """What a framework does about adapters unless told otherwise.

    ``targets`` names the adapted layers, empty for all; ``copies`` is how often an adapter keeps its input for
    backward, in values of 16 bits: 1.5 with dropout (the dropped copy and its mask), 2 where it is widened to fp32,
    0 where it shares what the layer itself would keep. ``narrow_copies`` is the same for products with NF4 weights;
    ``joined`` says that query, key and value are one layer.
    """

    targets: tuple[str, ...] = ()
    copies: float = 0.0
    narrow_copies: float = 1.0
    joined: bool = False


#: Attention's query and value alone: LoRA's own choice (Hu et al. 2021, section 4.2). PEFT's defaults for Llama, Qwen
#: and Mistral (``TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING``; adapters in fp32), litgpt's (``lora_query``,
#: ``lora_value``, ``lora_dropout``), torchtune's published LoRA recipes and axolotl's examples, as of 2026-11. That
#: litgpt's NF4 products keep more of their inputs follows from what its published runs keep above those in 16 bits: 7.2
#: hidden sizes a token and block of Llama 2 7B in 2023, 13.4 in 2024.
QUERY_VALUE = ("q", "v")
HABITS = {
    "peft": Habits(QUERY_VALUE, 2.0),
    "litgpt": Habits(QUERY_VALUE, 1.5, narrow_copies=2.5, joined=True),
    "torchtune": Habits(QUERY_VALUE),
    "transformers": Habits(QUERY_VALUE, 2.0),
    "axolotl": Habits((), 1.5),
}


def habits(framework: str) -> Habits:
    """The habits of a framework, whose version and company are ignored."""
    first = re.split(r"[\s,=]", framework.strip().lower() or "none")[0]
    return HABITS.get(re.sub("[^a-z]", "", first), Habits())


def saved_input_share(model: Model, targets: tuple[str, ...], copies: float) -> float:
    """Share of the inputs of linear layers that backward needs: those that adapters read and do not copy."""
    from advisor_compression.adapters import JOINED, adapted

    if copies:
        return 0.0
    total = kept = 0.0
    for op, count in adapted(model):
        own = op.name.rsplit(".", 1)[-1]
        total += count * op.saved_elements
        kept += count * op.saved_elements * (not targets or bool(set(JOINED.get(own, (own,))) & set(targets)))
    return kept / total if total else 1.0


def adapter_inputs(model: Model, targets: tuple[str, ...], joined: bool) -> int:
    """Values of one token that go into adapters, over all linear layers that have one."""
    from advisor_compression.adapters import _parts, adapted

    total = 0
    for op, count in adapted(model):
        reached = sum(not targets or name in targets for name, _ in _parts(op, model))
        attention = op.name.rsplit(".", 1)[-1].startswith("qkv")
        total += count * op.inputs * (min(reached, 1) if joined and attention else reached)
    return total


def joined_parts(op: MatMul, model: Model) -> list[tuple[str, int]]:
    """Names and outputs of the linear layers that an operator joins."""
    from advisor_compression.adapters import _parts

    return _parts(op, model)


def adapted_outputs(model: Model, targets: tuple[str, ...]) -> int:
    """Outputs of the linear layers that have an adapter."""
    from advisor_compression.adapters import adapted

    return sum(copies * outputs for op, copies in adapted(model) for name, outputs in joined_parts(op, model)
               if not targets or name in targets)  # fmt: skip
