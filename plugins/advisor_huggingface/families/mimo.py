"""Xiaomi MiMo and MiMo-V2-Flash."""

from __future__ import annotations

from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.llama import upper_window
from advisor_huggingface.family import Family, choose, sequence

MIMO = Family(
    name="mimo",
    model_types=("mimo",),
    layer=sequence(
        norm("input_norm"),
        attention(bias="attention_bias", output_bias=False, window=upper_window),
        norm("post_attention_norm"),
        gated_mlp(),
    ),
    defaults={"attention_bias": True, "max_window_layers": 28},
    attributes=lambda config: {"mtp_layers": config.optional("num_nextn_predict_layers", 0)},
)


def _slides(config: Config, layer: int) -> bool:
    kind = layer_kind(config, layer)
    if kind:
        return kind == "sliding_attention"
    pattern = config.each_layer("hybrid_layer_pattern")
    return bool(pattern[layer]) if pattern else layer != 0 and (layer + 1) % 6 != 0


def _kv_heads(config: Config, layer: int) -> int:
    plain = config.integer("num_key_value_heads")
    groups = config.integer("swa_num_key_value_heads", 2 * plain) if _slides(config, layer) else plain
    heads = config.integer("num_attention_heads")
    if heads % groups:
        raise config.error("num_attention_heads", f"{heads} is not divisible by {groups} key-value heads")
    return groups


def _window(config: Config, layer: int) -> int | None:
    return config.optional("sliding_window") if _slides(config, layer) else None


def _sparse(config: Config, layer: int) -> bool:
    kinds = config.each_layer("mlp_layer_types")
    if kinds:
        return bool(kinds[layer] == "sparse")
    flags = config.each_layer("moe_layer_freq")
    return bool(flags[layer]) if flags else layer > 0


MIMO_V2_FLASH = Family(
    name="mimo_v2_flash",
    model_types=("mimo_v2_flash",),
    layer=sequence(
        norm("input_norm"),
        attention(kv_heads=_kv_heads, value_width="v_head_dim", bias="attention_bias", output_bias=False,
                  window=_window, sinks=_slides),
        norm("post_attention_norm"),
        choose(_sparse, experts(), gated_mlp()),
    ),
    defaults={"num_key_value_heads": 4, "head_dim": 192, "v_head_dim": 128, "num_experts_per_tok": 8,
              "sliding_window": 129},
)  # fmt: skip

FAMILIES = (MIMO, MIMO_V2_FLASH)
