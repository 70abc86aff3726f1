"""Phi, Phi-3, Phi-3.5-MoE, StableLM, StarCoder 2, Cohere."""

from __future__ import annotations

from advisor.operators import Elementwise, Operator
from advisor_huggingface.blocks.attention import attention, head_width, key_value_heads
from advisor_huggingface.blocks.ends import output
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.classic import both, parallel
from advisor_huggingface.families.dense import prenorm
from advisor_huggingface.families.gemma import pattern_window
from advisor_huggingface.families.llama import whole_window
from advisor_huggingface.family import Family, choose, sequence

_LAST = output(last=norm("norm", bias=True))

PHI = Family(
    name="phi",
    model_types=("phi",),
    layer=parallel(
        attention(bias=True, qk_norm="head", qk_normed="qk_layernorm", qk_norm_bias=True), plain_mlp()
    ),
    output=output(last=norm("norm", bias=True), bias=True),
)
PHI3 = Family(
    name="phi3",
    model_types=("phi3",),
    layer=prenorm(attention(window=whole_window), gated_mlp()),
)
PHIMOE = Family(
    name="phimoe",
    model_types=("phimoe",),
    layer=both(attention(bias="attention_bias", window=whole_window), experts(width="intermediate_size")),
    output=output(last=norm("norm", bias=True), bias="lm_head_bias"),
    defaults={"num_key_value_heads": 8, "num_experts": 16, "num_experts_per_tok": 2},
)


def _per_head_norms(config: Config, layer: int) -> tuple[Operator, ...]:
    """StableLM norms each head of queries and keys with a scale of its own."""
    width = head_width(config, layer)
    channels = (config.integer("num_attention_heads") + key_value_heads(config, layer)) * width
    return (Elementwise(name="qk_norm", elements=2 * channels, parameters_own=channels, split="heads",
                        saved_elements=channels),)  # fmt: skip


def _serial(config: Config, layer: int) -> bool:
    return not config.flag("use_parallel_residual")


STABLELM = Family(
    name="stablelm",
    model_types=("stablelm", "stablelm_epoch"),
    layer=sequence(
        norm("input_norm", bias=True),
        choose("qk_layernorm", _per_head_norms),
        attention(bias="use_qkv_bias", output_bias=False),
        choose(_serial, norm("post_attention_norm", bias=True)),
        gated_mlp(),
    ),
    output=_LAST,
)
STARCODER2 = Family(
    name="starcoder2",
    model_types=("starcoder2",),
    layer=both(attention(bias="use_bias", window=whole_window), plain_mlp(bias="use_bias")),
    output=_LAST,
    defaults={"use_bias": True, "num_key_value_heads": 2, "tie_word_embeddings": True},
)


def _cohere_norms(config: Config, layer: int) -> tuple[Operator, ...]:
    return _per_head_norms(config, layer) if config.flag("use_qk_norm") else ()


COHERE = Family(
    name="cohere",
    model_types=("cohere",),
    layer=sequence(norm("norm"), _cohere_norms, attention(bias="attention_bias"), gated_mlp()),
    defaults={"tie_word_embeddings": True},
)
COHERE2 = Family(
    name="cohere2",
    model_types=("cohere2",),
    layer=parallel(attention(bias="attention_bias", window=pattern_window(4)), gated_mlp(), bias=False),
    defaults={"tie_word_embeddings": True, "sliding_window": 4096},
)

FAMILIES: tuple[Family, ...] = (PHI, PHI3, PHIMOE, STABLELM, STARCODER2, COHERE, COHERE2)
