"""DeepSeek-V2, V3 and what has their shapes: latent attention, fine-grained experts, dense first layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.latent_attention import latent_attention, lightning_index
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Family, choose, sequence
from advisor_huggingface.vision import kimi


def sparse_after_dense(config: Config, layer: int) -> bool:
    """Whether a layer has experts: from ``first_k_dense_replace`` on, or as ``mlp_layer_types`` lists."""
    kinds = config.each_layer("mlp_layer_types")
    if kinds:
        return bool(kinds[layer] == "sparse")
    frequency = config.optional("moe_layer_freq", 1) or 1
    first = config.optional("first_k_dense_replace", 0) or 0
    return (config.optional("num_experts") or 0) > 0 and layer >= first and layer % frequency == 0


def shared_width(config: Config, layer: int) -> int:
    """Width of all shared experts together."""
    return config.integer("moe_intermediate_size") * (config.optional("n_shared_experts", 0) or 0)


def feed_forward() -> Block:
    """Experts with shared ones, or a dense network in the first layers."""
    return choose(sparse_after_dense, experts(shared_width=shared_width), gated_mlp())


def _attributes(config: Config) -> Mapping[str, Any]:
    # The multi-token-prediction layers are a separate head that serving engines may leave out.
    return {"mtp_layers": config.optional("num_nextn_predict_layers", 0)}


_DEFAULTS = {"attention_bias": False, "first_k_dense_replace": 3, "n_shared_experts": 1, "num_experts_per_tok": 8}

DEEPSEEK_V3 = Family(
    name="deepseek_v3",
    model_types=("deepseek_v3", "kimi_k2"),
    layer=sequence(norm("input_norm"), latent_attention(), norm("post_attention_norm"), feed_forward()),
    defaults=_DEFAULTS,
    attributes=_attributes,
)

DEEPSEEK_V2 = Family(
    name="deepseek_v2",
    model_types=("deepseek_v2",),
    layer=sequence(norm("input_norm"), latent_attention(), norm("post_attention_norm"), feed_forward()),
    defaults={**_DEFAULTS, "first_k_dense_replace": 0, "n_shared_experts": 2, "q_lora_rank": 1536, "num_experts": 64},
)

DEEPSEEK_V32 = Family(
    name="deepseek_v32",
    model_types=("deepseek_v32",),
    layer=sequence(
        norm("input_norm"),
        latent_attention(attended="index_topk", index=lightning_index()),
        norm("post_attention_norm"),
        feed_forward(),
    ),
    defaults={**_DEFAULTS, "index_topk": 2048, "index_n_heads": 64, "index_head_dim": 128},
    attributes=_attributes,
)


def _index_shared(config: Config, layer: int) -> bool:
    """Whether a layer of GLM uses the selection of an earlier one: as listed, else by frequency and offset."""
    kinds = config.each_layer("indexer_types")
    if kinds:
        return bool(kinds[layer] == "shared")
    pattern = config.raw("index_topk_pattern")
    if isinstance(pattern, str) and len(pattern) >= config.layers:
        return pattern[layer] == "S"
    frequency = max(config.optional("index_topk_freq", 1) or 1, 1)
    offset = config.optional("index_skip_topk_offset", 2) or 0
    return max(layer - offset + 1, 0) % frequency != 0


GLM_MOE_DSA = Family(
    name="glm_moe_dsa",
    model_types=("glm_moe_dsa",),
    layer=sequence(
        norm("input_norm"),
        latent_attention(attended="index_topk", index=lightning_index(shared=_index_shared)),
        norm("post_attention_norm"),
        feed_forward(),
    ),
    fields={"head_dim": "qk_rope_head_dim"},
    defaults={**_DEFAULTS, "index_topk": 2048, "index_n_heads": 32, "index_head_dim": 128},
    attributes=_attributes,
)

KIMI_K25 = Family(
    name="kimi_k25",
    model_types=("kimi_k25",),
    text=("text_config",),
    text_family="deepseek_v3",
    towers=(kimi.KIMI_K25,),
)

FAMILIES = (DEEPSEEK_V3, DEEPSEEK_V2, DEEPSEEK_V32, GLM_MOE_DSA, KIMI_K25)
