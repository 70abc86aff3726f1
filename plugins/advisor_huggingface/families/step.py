"""StepFun Step-3.5 and 3.7 Flash: sliding layers with more heads, a gate a head, dense first layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor_huggingface.blocks.attention import attention, layer_kind, typed_window
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, choose, sequence
from advisor_huggingface.vision import step


def _heads(config: Config, layer: int) -> int:
    plain = config.integer("num_attention_heads")
    if "sliding" not in layer_kind(config, layer):
        return plain
    other = config.raw("attention_other_setting")
    if isinstance(other, Mapping) and other.get("num_attention_heads") is not None:
        return config.whole("attention_other_setting", other["num_attention_heads"], 1)
    return config.integer("num_sliding_attention_heads", plain)


def _kv_heads(config: Config, layer: int) -> int:
    heads, groups = _heads(config, layer), config.integer("num_key_value_heads")
    if heads % groups:
        raise config.error("num_attention_heads", f"{heads} is not divisible by {groups} key-value heads")
    return groups


def _sparse(config: Config, layer: int) -> bool:
    kinds = config.each_layer("mlp_layer_types")
    if kinds:
        return bool(kinds[layer] == "sparse")
    listed = config.raw("moe_layers_enum")
    if isinstance(listed, str):
        return str(layer) in [part.strip() for part in listed[:20000].split(",")]
    if listed is not None:
        return layer in config.integers("moe_layers_enum")
    return layer >= config.integer("first_k_dense_replace", 3, least=0)


def _attributes(config: Config) -> Mapping[str, Any]:
    return {"mtp_layers": config.optional("num_nextn_predict_layers", 0)}


STEP_TEXT = Family(
    name="step3p7",
    model_types=("step3p5", "step3p7_text"),
    layer=sequence(
        norm("input_norm"),
        attention(heads=_heads, kv_heads=_kv_heads, bias="attention_bias", qk_norm="head", head_gate=True,
                  window=typed_window),
        norm("post_attention_norm"),
        choose(_sparse, experts(shared_width="share_expert_dim", shared_bias="mlp_bias"), gated_mlp(bias="mlp_bias")),
    ),
    defaults={"num_key_value_heads": 8, "head_dim": 128, "num_experts": 288, "num_experts_per_tok": 8,
              "moe_intermediate_size": 1280, "share_expert_dim": 1280},
    attributes=_attributes,
)  # fmt: skip
STEP = Family(name="step3p7", model_types=("step3p7",), text=("text_config",), text_family="step3p5",
              towers=(step.STEP,))  # fmt: skip

FAMILIES = (STEP_TEXT, STEP)
