"""Feed-forward networks: gated (SwiGLU and kin) and plain."""

from __future__ import annotations

from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Setting, Size, enabled, size


def gated_mlp(
    *,
    width: Size = "intermediate_size",
    bias: Setting = False,
    output_bias: Setting | None = None,
    prefix: str = "",
    inputs: Size = "hidden_size",
    saves_input: bool = True,
    replicated: bool = False,
) -> Block:
    """``down(act(gate(x)) * up(x))`` with gate and up as one product, as serving engines run it."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        hidden, inner = size(inputs, config, layer), size(width, config, layer, least=0)
        if inner == 0:
            return ()
        biased = enabled(bias, config, layer)
        last = biased if output_bias is None else enabled(output_bias, config, layer)
        return (
            MatMul(name=f"{prefix}gate_up", inputs=hidden, outputs=2 * inner, bias=biased,
                   split="none" if replicated else "columns", saved_elements=hidden if saves_input else 0),
            Elementwise(name=f"{prefix}activation", elements=3 * inner, split="none" if replicated else "columns",
                        saved_elements=2 * inner),
            MatMul(name=f"{prefix}down", inputs=inner, outputs=hidden, bias=last,
                   split="none" if replicated else "rows", saved_elements=inner),
        )  # fmt: skip

    return build


def plain_mlp(
    *,
    width: Size = "intermediate_size",
    bias: Setting = True,
    prefix: str = "",
    inputs: Size = "hidden_size",
    saves_input: bool = True,
) -> Block:
    """``down(act(up(x)))``."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        hidden, inner = size(inputs, config, layer), size(width, config, layer, least=0)
        if inner == 0:
            return ()
        biased = enabled(bias, config, layer)
        return (
            MatMul(name=f"{prefix}up", inputs=hidden, outputs=inner, bias=biased, split="columns",
                   saved_elements=hidden if saves_input else 0),
            Elementwise(name=f"{prefix}activation", elements=2 * inner, split="columns", saved_elements=inner),
            MatMul(name=f"{prefix}down", inputs=inner, outputs=hidden, bias=biased, split="rows",
                   saved_elements=inner),
        )  # fmt: skip

    return build
