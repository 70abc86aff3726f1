"""Qwen3-Next and Qwen3.5: three gated delta layers to one of gated attention; Qwen3-VL."""

from __future__ import annotations

from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.linear_attention import gated_delta_net
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.llama import QWEN3
from advisor_huggingface.families.mixture import QWEN3_MOE, qwen_sparse
from advisor_huggingface.family import Block, Family, choose, sequence
from advisor_huggingface.vision import qwen


def linear_layer(config: Config, layer: int) -> bool:
    """Whether a layer is linear: as ``layer_types`` says, else all but every fourth."""
    kind = layer_kind(config, layer)
    if kind:
        return kind == "linear_attention"
    return (layer + 1) % config.integer("full_attention_interval", 4) != 0


def hybrid(feed_forward: Block) -> Block:
    """A layer of linear or gated attention before ``feed_forward``."""
    full = attention(bias="attention_bias", qk_norm="head", output_gate=True)
    return sequence(norm("input_norm"), choose(linear_layer, gated_delta_net(), full), norm("post_attention_norm"),
                    feed_forward)  # fmt: skip


def _attributes(config: Config) -> dict[str, object]:
    layers = config.optional("mtp_num_hidden_layers", config.optional("num_nextn_predict_layers", 0))
    return {"mtp_layers": layers, "state_format": "fp32"}


_EXPERTS = experts(shared_width="shared_expert_intermediate_size", shared_gate=True)
_LINEAR = {"linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
           "linear_num_key_heads": 16, "linear_num_value_heads": 32, "head_dim": 256}  # fmt: skip

QWEN3_NEXT = Family(
    name="qwen3_next",
    model_types=("qwen3_next",),
    layer=hybrid(choose(qwen_sparse, _EXPERTS, gated_mlp())),
    defaults={**_LINEAR, "num_key_value_heads": 2, "num_experts": 512, "num_experts_per_tok": 10,
              "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512},
    attributes=_attributes,
)  # fmt: skip

QWEN3_5_TEXT = Family(
    name="qwen3_5",
    model_types=("qwen3_5_text",),
    layer=hybrid(gated_mlp()),
    defaults={**_LINEAR, "num_key_value_heads": 4},
    attributes=_attributes,
)

QWEN3_5_MOE_TEXT = Family(
    name="qwen3_5_moe",
    model_types=("qwen3_5_moe_text",),
    layer=hybrid(_EXPERTS),
    defaults={**_LINEAR, "num_key_value_heads": 2, "num_experts": 256, "num_experts_per_tok": 8,
              "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512},
    attributes=_attributes,
)  # fmt: skip

QWEN3_5 = Family(name="qwen3_5", model_types=("qwen3_5",), text=("text_config",), text_family="qwen3_5_text",
                 towers=(qwen.QWEN3_5,))  # fmt: skip
QWEN3_5_MOE = Family(name="qwen3_5_moe", model_types=("qwen3_5_moe",), text=("text_config",),
                     text_family="qwen3_5_moe_text", towers=(qwen.QWEN3_5,))  # fmt: skip

QWEN3_VL_TEXT = Family(
    name="qwen3_vl", model_types=("qwen3_vl_text",), layer=QWEN3.layer, defaults=QWEN3.defaults
)
QWEN3_VL_MOE_TEXT = Family(
    name="qwen3_vl_moe",
    model_types=("qwen3_vl_moe_text",),
    layer=QWEN3_MOE.layer,
    defaults={**QWEN3_MOE.defaults, "num_key_value_heads": 16, "num_experts": 60, "num_experts_per_tok": 4},
)
QWEN3_VL = Family(name="qwen3_vl", model_types=("qwen3_vl",), text=("text_config",), text_family="qwen3_vl_text",
                  towers=(qwen.QWEN3_VL,))  # fmt: skip
QWEN3_VL_MOE = Family(name="qwen3_vl_moe", model_types=("qwen3_vl_moe",), text=("text_config",),
                      text_family="qwen3_vl_moe_text", towers=(qwen.QWEN3_VL,))  # fmt: skip

FAMILIES = (QWEN3_NEXT, QWEN3_5_TEXT, QWEN3_5_MOE_TEXT, QWEN3_5, QWEN3_5_MOE, QWEN3_VL_TEXT, QWEN3_VL_MOE_TEXT,
            QWEN3_VL, QWEN3_VL_MOE)  # fmt: skip
