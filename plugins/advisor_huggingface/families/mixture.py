"""Decoders whose feed-forward network is a mixture of experts beside grouped attention."""

from __future__ import annotations

from advisor_huggingface.blocks.attention import attention, typed_window
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.llama import upper_window, whole_window
from advisor_huggingface.family import Family, choose, sequence


def alternating_window(config: Config, layer: int) -> int | None:
    """gpt-oss's window: in the layers that ``layer_types`` names, else in every second one from the first."""
    if config.raw("layer_types") is not None:
        return typed_window(config, layer)
    return config.optional("sliding_window") if layer % 2 == 0 else None


def qwen_sparse(config: Config, layer: int) -> bool:
    """Whether a layer of a Qwen mixture has experts."""
    if layer in config.integers("mlp_only_layers"):
        return False
    return config.integer("num_experts", 0, least=0) > 0 and (layer + 1) % config.integer("decoder_sparse_step", 1) == 0


MIXTRAL = Family(
    name="mixtral",
    model_types=("mixtral",),
    layer=sequence(
        norm("input_norm"),
        attention(window=whole_window),
        norm("post_attention_norm"),
        experts(width="intermediate_size"),
    ),
    defaults={"num_key_value_heads": 8, "num_local_experts": 8, "num_experts": 8, "num_experts_per_tok": 2},
)

QWEN3_MOE = Family(
    name="qwen3_moe",
    model_types=("qwen3_moe",),
    layer=sequence(
        norm("input_norm"),
        attention(bias="attention_bias", qk_norm="head", window=upper_window),
        norm("post_attention_norm"),
        choose(qwen_sparse, experts(), gated_mlp()),
    ),
    defaults={"num_key_value_heads": 4, "num_experts": 128, "num_experts_per_tok": 8, "sliding_window": 4096,
              "max_window_layers": 28},
)  # fmt: skip

GPT_OSS = Family(
    name="gpt_oss",
    model_types=("gpt_oss",),
    layer=sequence(
        norm("input_norm"),
        attention(bias="attention_bias", sinks=True, window=alternating_window),
        norm("post_attention_norm"),
        experts(width="intermediate_size", bias=True, router_bias=True),
    ),
    defaults={"num_key_value_heads": 8, "head_dim": 64, "num_experts": 128, "num_experts_per_tok": 4,
              "sliding_window": 128, "attention_bias": True},
)  # fmt: skip

FAMILIES = (MIXTRAL, QWEN3_MOE, GPT_OSS)
