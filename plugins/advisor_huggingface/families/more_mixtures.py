"""Further mixtures of experts: Qwen2, OLMoE, Granite, GLM-4.5, ERNIE, Hunyuan, dots.1, LongCat."""

from __future__ import annotations

from advisor.operators import Elementwise, Operator
from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.ends import output
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.latent_attention import latent_attention
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.config import Config
from advisor_huggingface.families.deepseek import feed_forward
from advisor_huggingface.families.dense import prenorm
from advisor_huggingface.families.mixture import qwen_sparse
from advisor_huggingface.family import Family, choose, sequence


def _qwen2_window(config: Config, layer: int) -> int | None:
    if not config.flag("use_sliding_window"):
        return None
    kind = layer_kind(config, layer)
    slides = "sliding" in kind if kind else layer % 2 == 0 and layer < config.integer("max_window_layers", 28)
    return config.optional("sliding_window") if slides else None


QWEN2_MOE = Family(
    name="qwen2_moe",
    model_types=("qwen2_moe",),
    layer=prenorm(
        attention(bias="qkv_bias", output_bias=False, window=_qwen2_window),
        choose(
            qwen_sparse, experts(shared_width="shared_expert_intermediate_size", shared_gate=True), gated_mlp()
        ),
    ),
    defaults={"num_key_value_heads": 16, "qkv_bias": True, "num_experts": 60, "num_experts_per_tok": 4,
              "sliding_window": 4096},
)  # fmt: skip
OLMOE = Family(
    name="olmoe",
    model_types=("olmoe",),
    layer=prenorm(attention(bias="attention_bias", qk_norm="width"), experts(width="intermediate_size")),
    defaults={"num_experts": 64, "num_experts_per_tok": 8},
)
GRANITEMOE = Family(
    name="granitemoe",
    model_types=("granitemoe", "granitemoeshared"),
    layer=prenorm(
        attention(bias="attention_bias"),
        sequence(
            experts(width="intermediate_size"),
            gated_mlp(width=lambda config, layer: config.optional("shared_intermediate_size") or 0,
                      prefix="shared_expert.", saves_input=False),
        ),
    ),
    defaults={"num_experts": 8, "num_experts_per_tok": 2},
)  # fmt: skip
GLM4_MOE = Family(
    name="glm4_moe",
    model_types=("glm4_moe",),
    layer=prenorm(
        attention(bias="attention_bias", output_bias=False, qk_norm="head", qk_normed="use_qk_norm"), feed_forward()
    ),
    defaults={"num_key_value_heads": 8, "first_k_dense_replace": 1, "n_shared_experts": 1, "num_experts_per_tok": 8},
    attributes=lambda config: {"mtp_layers": config.optional("num_nextn_predict_layers",
                                                             config.optional("num_mtp_layers", 0))},
)  # fmt: skip
DOTS1 = Family(
    name="dots1",
    model_types=("dots1",),
    layer=prenorm(attention(bias="attention_bias", qk_norm="head"), feed_forward()),
    defaults={"first_k_dense_replace": 0, "n_shared_experts": 0},
)


def _ernie_sparse(config: Config, layer: int) -> bool:
    kinds = config.each_layer("mlp_layer_types")
    if kinds:
        return bool(kinds[layer] == "sparse")
    first = config.integer("moe_layer_start_index", 1, least=0)
    raw = config.raw("moe_layer_end_index")
    last = config.layers - 1 if raw in (None, -1) else config.integer("moe_layer_end_index", least=0)
    return first <= layer <= last and (layer + 1) % config.integer("moe_layer_interval", 1) == 0


def _ernie_shared(config: Config, layer: int) -> int:
    return config.integer("moe_intermediate_size") * config.integer("moe_num_shared_experts", 2, least=0)


def _correction(config: Config, layer: int) -> int:
    return config.integer("num_experts")


ERNIE_MOE = Family(
    name="ernie4_5_moe",
    model_types=("ernie4_5_moe",),
    layer=prenorm(
        attention(bias="use_bias"),
        choose(
            _ernie_sparse,
            experts(shared_width=_ernie_shared, shared_bias="use_bias", router_parameters=_correction),
            gated_mlp(bias="use_bias"),
        ),
    ),
    output=output(bias="use_bias"),
    defaults={"tie_word_embeddings": True, "num_key_value_heads": 4, "num_experts": 64, "num_experts_per_tok": 6},
)


def _hunyuan_chosen(config: Config, layer: int) -> int:
    chosen = config.raw("moe_topk")
    if isinstance(chosen, list):
        return config.whole("moe_topk", chosen[layer] if layer < len(chosen) else None, 1)
    return config.integer("moe_topk", 1)


HUNYUAN_MOE = Family(
    name="hunyuan_v1_moe",
    model_types=("hunyuan_v1_moe",),
    layer=prenorm(
        attention(bias="attention_bias", qk_norm="head"),
        experts(width="intermediate_size", chosen=_hunyuan_chosen, shared_width="intermediate_size"),
    ),
    defaults={"num_experts": 1},
)


def _half(config: Config, layer: int) -> tuple[Operator, ...]:
    return prenorm(latent_attention(), gated_mlp(width="ffn_hidden_size"))(config, layer)


def _longcat_experts(config: Config, layer: int) -> tuple[Operator, ...]:
    build = experts(chosen="moe_topk", width="expert_ffn_hidden_size", router_bias="router_bias",
                    identity_experts="zero_expert_num")  # fmt: skip
    shortcut = Elementwise(name="shortcut", elements=3 * config.hidden)
    return (*build(config, layer), shortcut)


LONGCAT = Family(
    name="longcat_flash",
    model_types=("longcat_flash",),
    # Two attentions and two dense networks a layer; the experts run beside the second half.
    layer=sequence(_half, _longcat_experts, _half),
    fields={"intermediate_size": "ffn_hidden_size"},
    defaults={"q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
              "v_head_dim": 128, "moe_topk": 12, "zero_expert_num": 256, "expert_ffn_hidden_size": 2048},
)  # fmt: skip

FAMILIES = (QWEN2_MOE, OLMOE, GRANITEMOE, GLM4_MOE, DOTS1, ERNIE_MOE, HUNYUAN_MOE, LONGCAT)
