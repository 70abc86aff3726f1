"""Zamba2: Mamba-2 throughout, and a few attention blocks that are used again with adapters of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Elementwise, MatMul, Operator
from advisor.records import replace
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mamba import mamba2
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, choose, sequence


def _hybrid(config: Config, layer: int) -> bool:
    kinds = config.each_layer("layers_block_type")
    if not kinds:
        raise config.error("layers_block_type", "is missing; it gives the kind of each layer (mamba, hybrid)")
    return bool(kinds[layer] == "hybrid")


def _width(config: Config, layer: int) -> int:
    return config.optional("intermediate_size") or 4 * config.hidden


def _double(config: Config, layer: int) -> int:
    return 2 * config.hidden


def _head_width(config: Config, layer: int) -> int:
    heads = config.integer("num_attention_heads")
    if 2 * config.hidden % heads:
        raise config.error("num_attention_heads", f"{heads} does not divide twice the hidden size {config.hidden}")
    return 2 * config.hidden // heads


def _mamba_width(config: Config, layer: int) -> int:
    return int(config.number("mamba_expand", 2) * config.hidden) // config.integer("n_mamba_heads")


_BLOCK = sequence(
    norm("shared.input_norm", width=_double),
    attention(width=_head_width, input_width=_double, output=False),
)


def _shared(config: Config, layer: int) -> tuple[Operator, ...]:
    """The attention block, whose weights count where it comes first, and the adapters, which count each time."""
    hidden, inner = config.hidden, _width(config, layer)
    before = config.each_layer("layers_block_type")[:layer].count("hybrid")
    heads, width = config.integer("num_attention_heads"), _head_width(config, layer)
    block: tuple[Operator, ...] = (
        *_BLOCK(config, layer),
        MatMul(name="o", inputs=heads * width, outputs=hidden, split="rows"),
        *norm("shared.pre_ff_norm")(config, layer),
        *gated_mlp(width=_width, bias="add_bias_linear")(config, layer),
    )
    if before >= config.integer("num_mem_blocks", 1):
        block = tuple(_without_weights(operator) for operator in block)
    rank = config.integer("adapter_rank", 128)
    adapters: list[Operator] = [
        MatMul(name="gate_up_adapter.down", inputs=hidden, outputs=rank),
        MatMul(name="gate_up_adapter.up", inputs=rank, outputs=2 * inner, split="columns", saved_elements=rank),
    ]
    if config.flag("use_shared_attention_adapter"):
        adapters += [
            MatMul(name="qkv_adapter.down", inputs=2 * hidden, outputs=rank, copies=3),
            MatMul(name="qkv_adapter.up", inputs=rank, outputs=2 * hidden, copies=3, split="columns",
                   saved_elements=rank),
        ]  # fmt: skip
    return (*block, *adapters, MatMul(name="shared.out", inputs=hidden, outputs=hidden, saved_elements=hidden))


def _without_weights(operator: Operator) -> Operator:
    if isinstance(operator, MatMul):
        return replace(operator, tied=True)
    return replace(operator, parameters_own=0) if isinstance(operator, Elementwise) else operator


def _attributes(config: Config) -> Mapping[str, Any]:
    return {"state_format": "fp32"}


ZAMBA2 = Family(
    name="zamba2",
    model_types=("zamba2",),
    layer=sequence(
        choose(_hybrid, _shared),
        norm("input_norm"),
        mamba2(heads="n_mamba_heads", width=_mamba_width, state="mamba_d_state", groups="mamba_ngroups",
               kernel="mamba_d_conv", bias="add_bias_linear", convolution_bias=True),
    ),
    defaults={"mamba_d_state": 64, "mamba_d_conv": 4, "mamba_ngroups": 1, "n_mamba_heads": 8,
              "tie_word_embeddings": True},
    attributes=_attributes,
)  # fmt: skip

FAMILIES = (ZAMBA2,)
