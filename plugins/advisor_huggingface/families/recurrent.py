"""LFM2 (gated short convolutions) and RWKV-4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Elementwise, MatMul, Operator, Recurrence
from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.ends import output
from advisor_huggingface.blocks.linear_attention import short_convolution
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.dense import prenorm
from advisor_huggingface.family import Family, choose, sequence

_STATE: Mapping[str, Any] = {"state_format": "fp32"}


def _lfm_attends(config: Config, layer: int) -> bool:
    kind = layer_kind(config, layer)
    if kind:
        return kind == "full_attention"
    return config.raw("full_attn_idxs") is None or layer in config.integers("full_attn_idxs")


def _lfm_convolution(config: Config, layer: int) -> tuple[Operator, ...]:
    """LFM2's gated short convolution; its state is the last ``conv_L_cache - 1`` tokens."""
    hidden, taps, bias = config.hidden, config.integer("conv_L_cache", 3), config.flag("conv_bias")
    return (
        MatMul(name="in_proj", inputs=hidden, outputs=3 * hidden, bias=bias, split="columns", saved_elements=hidden),
        short_convolution(hidden, taps, bias),
        Recurrence(name="convolution_state", state_width=(taps - 1) * hidden, flops_each=0,
                   activation_width=2 * hidden),
        Elementwise(name="gates", elements=6 * hidden, split="columns", saved_elements=3 * hidden),
        MatMul(name="out_proj", inputs=hidden, outputs=hidden, bias=bias, split="rows", saved_elements=hidden),
    )  # fmt: skip


def _lfm_width(config: Config, layer: int) -> int:
    width = config.optional("block_ff_dim") or config.integer("intermediate_size")
    if not config.flag("block_auto_adjust_ff_dim", True):
        return width
    multiplier, step = config.number("block_ffn_dim_multiplier", 1.0), config.integer("block_multiple_of", 256)
    return -(-int(multiplier * int(2 * width / 3)) // step) * step


LFM2 = Family(
    name="lfm2",
    model_types=("lfm2",),
    layer=prenorm(choose(_lfm_attends, attention(qk_norm="head"), _lfm_convolution), gated_mlp(width=_lfm_width)),
    defaults={"num_key_value_heads": 8, "tie_word_embeddings": True},
    expand=lambda document: ({**document, "tie_word_embeddings": document["tie_embedding"]}
                             if "tie_embedding" in document else document),
)  # fmt: skip


def _rwkv_first(config: Config, layer: int) -> bool:
    return layer == 0


def _rwkv_time(config: Config, layer: int) -> tuple[Operator, ...]:
    """RWKV-4 time mixing: a decayed average a channel, five state values with the token shift of both parts."""
    hidden = config.hidden
    inner = config.optional("attention_hidden_size") or hidden
    return (
        Elementwise(name="token_shift", elements=6 * hidden, parameters_own=3 * hidden, saved_elements=3 * hidden),
        MatMul(name="kvr", inputs=hidden, outputs=3 * inner, split="columns"),
        Recurrence(name="wkv", state_width=3 * inner + 2 * hidden, flops_each=0, activation_width=4 * inner,
                   parameters_own=2 * inner, saved_elements=4 * inner),
        MatMul(name="o", inputs=inner, outputs=hidden, split="rows", saved_elements=inner),
    )  # fmt: skip


def _rwkv_channel(config: Config, layer: int) -> tuple[Operator, ...]:
    hidden = config.hidden
    inner = config.optional("intermediate_size") or 4 * hidden
    return (
        Elementwise(name="channel_shift", elements=5 * hidden, parameters_own=2 * hidden, saved_elements=2 * hidden),
        MatMul(name="up", inputs=hidden, outputs=inner, split="columns"),
        MatMul(name="receptance", inputs=hidden, outputs=hidden),
        Elementwise(name="activation", elements=2 * inner, split="columns", saved_elements=inner),
        MatMul(name="down", inputs=inner, outputs=hidden, split="rows", saved_elements=inner),
        Elementwise(name="gate", elements=3 * hidden, saved_elements=2 * hidden),
    )


RWKV = Family(
    name="rwkv",
    model_types=("rwkv",),
    heads="hidden_size",
    layer=sequence(
        choose(_rwkv_first, norm("pre_norm", bias=True)),
        norm("norm1", bias=True),
        _rwkv_time,
        norm("norm2", bias=True),
        _rwkv_channel,
    ),
    output=output(last=norm("norm", bias=True)),
    fields={"max_position_embeddings": "context_length"},
    attributes=lambda config: _STATE,
)

FAMILIES = (LFM2, RWKV)
