"""Llama and the dense decoders that differ from it in a bias or a norm."""

from __future__ import annotations

from advisor_huggingface.blocks.attention import attention, typed_window
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, sequence


def whole_window(config: Config, layer: int) -> int | None:
    """Mistral's window: in every layer, absent where null."""
    return config.optional("sliding_window") or None


def upper_window(config: Config, layer: int) -> int | None:
    """Qwen2's window: in the layers that ``layer_types`` names, else from ``max_window_layers`` on."""
    if not config.flag("use_sliding_window"):
        return None
    if config.raw("layer_types") is not None:
        return typed_window(config, layer)
    return config.optional("sliding_window") if layer >= (config.optional("max_window_layers", 0) or 0) else None


LLAMA = Family(
    name="llama",
    model_types=("llama",),
    layer=sequence(
        norm("input_norm"), attention(bias="attention_bias"), norm("post_attention_norm"), gated_mlp(bias="mlp_bias")
    ),
)

MISTRAL = Family(
    name="mistral",
    model_types=("mistral",),
    layer=sequence(norm("input_norm"), attention(window=whole_window), norm("post_attention_norm"), gated_mlp()),
    defaults={"num_key_value_heads": 8, "sliding_window": 4096},
)

QWEN2 = Family(
    name="qwen2",
    model_types=("qwen2",),
    layer=sequence(
        norm("input_norm"),
        attention(bias=True, output_bias=False, window=upper_window),
        norm("post_attention_norm"),
        gated_mlp(),
    ),
    defaults={"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28},
)

QWEN3 = Family(
    name="qwen3",
    model_types=("qwen3",),
    layer=sequence(
        norm("input_norm"),
        attention(bias="attention_bias", qk_norm="head", window=upper_window),
        norm("post_attention_norm"),
        gated_mlp(),
    ),
    defaults={"num_key_value_heads": 32, "head_dim": 128, "sliding_window": 4096, "max_window_layers": 28},
)

FAMILIES = (LLAMA, MISTRAL, QWEN2, QWEN3)
