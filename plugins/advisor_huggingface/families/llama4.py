"""Llama 4: chunked attention in three of four layers, one routed expert beside a shared one."""

from __future__ import annotations

from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, choose, sequence
from advisor_huggingface.vision import llama4


def has_rotary(config: Config, layer: int) -> bool:
    """Whether a layer has rotary positions: as ``no_rope_layers`` flags, else all but every fourth."""
    flags = config.each_layer("no_rope_layers")
    return bool(flags[layer]) if flags else (layer + 1) % config.integer("no_rope_layer_interval", 4) != 0


def chunk(config: Config, layer: int) -> int | None:
    """``attention_chunk_size`` in the layers that are chunked: those with rotary positions."""
    kind = layer_kind(config, layer)
    chunked = kind == "chunked_attention" if kind else has_rotary(config, layer)
    return config.optional("attention_chunk_size") if chunked else None


def has_experts(config: Config, layer: int) -> bool:
    """Whether a layer has experts: as ``moe_layers`` lists, else every ``interleave_moe_layer_step``-th."""
    if config.raw("moe_layers") is not None:
        return layer in config.integers("moe_layers")
    return (layer + 1) % config.integer("interleave_moe_layer_step", 1) == 0


def normed(config: Config, layer: int) -> bool:
    """Whether queries and keys are normed: where there are rotary positions."""
    return config.flag("use_qk_norm", True) and has_rotary(config, layer)


LLAMA4_TEXT = Family(
    name="llama4",
    model_types=("llama4_text",),
    layer=sequence(
        norm("input_norm"),
        attention(bias="attention_bias", qk_norm="plain", qk_normed=normed, rotary=has_rotary, chunk=chunk),
        norm("post_attention_norm"),
        choose(
            has_experts,
            experts(width="intermediate_size", shared_width="intermediate_size"),
            gated_mlp(width="intermediate_size_mlp"),
        ),
    ),
    defaults={"num_key_value_heads": 8, "head_dim": 128, "num_experts": 16, "num_experts_per_tok": 1,
              "attention_chunk_size": 8192, "intermediate_size": 8192, "intermediate_size_mlp": 16384},
)  # fmt: skip
LLAMA4 = Family(name="llama4", model_types=("llama4",), text=("text_config",), text_family="llama4_text",
                towers=(llama4.LLAMA4,))  # fmt: skip

FAMILIES = (LLAMA4_TEXT, LLAMA4)
