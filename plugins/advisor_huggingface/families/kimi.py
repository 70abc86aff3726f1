"""Kimi Linear and Kimi K3: three layers of Kimi delta attention to one of latent attention without positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Elementwise, MatMul, Operator, Recurrence
from advisor_huggingface.blocks.attention import layer_kind
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.latent_attention import latent_attention
from advisor_huggingface.blocks.linear_attention import CHUNK, short_convolution
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.deepseek import shared_width
from advisor_huggingface.family import Family, choose, sequence


def _expand(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the published file's ``linear_attn_config`` (layers counted from 1) as transformers does."""
    linear, layers = document.get("linear_attn_config"), document.get("num_hidden_layers")
    changed: dict[str, Any] = {}
    if isinstance(linear, Mapping):
        names = {
            "linear_head_dim": "head_dim", "linear_num_heads": "num_heads",
            "linear_conv_kernel_dim": "short_conv_kernel_size", "full_rank_gate": "use_full_rank_gate",
        }  # fmt: skip
        changed = {name: linear[old] for name, old in names.items() if old in linear}
        full = linear.get("full_attn_layers")
        if isinstance(full, list) and isinstance(layers, int) and 0 < layers <= 4096 and "layer_types" not in document:
            chosen = {index for index in full if isinstance(index, int)}
            changed["layer_types"] = ["full_attention" if index in chosen else "linear_attention"
                                      for index in range(1, layers + 1)]  # fmt: skip
    return {**document, **changed}


def _full(config: Config, layer: int) -> bool:
    kind = layer_kind(config, layer)
    return kind == "full_attention" if kind else layer > 0 and layer % 4 == 0


def _sparse(config: Config, layer: int) -> bool:
    kinds = config.each_layer("mlp_layer_types")
    return kinds[layer] == "sparse" if kinds else layer >= config.integer("first_k_dense_replace", 1, least=0)


def _delta_attention(config: Config, layer: int) -> tuple[Operator, ...]:
    """A delta rule that decays each channel by itself (Kimi Linear, 2025); 6 FLOPs a state element."""
    heads, width = config.integer("linear_num_heads"), config.integer("linear_head_dim")
    hidden, inner, taps = config.hidden, heads * width, config.integer("linear_conv_kernel_dim")
    state = heads * width * width
    full_rank = config.flag("full_rank_gate")
    low = 1 if full_rank else 2
    operators: list[Operator] = [
        MatMul(name="qkv", inputs=hidden, outputs=3 * inner, split="columns", saved_elements=hidden),
        short_convolution(3 * inner, taps),
        MatMul(name="gates.down", inputs=hidden, outputs=low * width + heads),
        MatMul(name="gates.up", inputs=width, outputs=inner, copies=low, split="columns", saved_elements=width),
    ]
    if full_rank:
        operators.append(MatMul(name="output_gate.product", inputs=hidden, outputs=inner, split="columns"))
    operators += [
        Recurrence(name="delta_rule", state_width=state + (taps - 1) * 3 * inner, flops_each=6 * state,
                   activation_width=5 * inner + heads, parameters_own=inner + heads,
                   saved_elements=5 * inner + heads + state // CHUNK),
        Elementwise(name="gated_norm", elements=3 * inner, parameters_own=width, split="heads",
                    saved_elements=2 * inner),
        MatMul(name="o", inputs=inner, outputs=hidden, split="rows", saved_elements=inner),
    ]  # fmt: skip
    return tuple(operators)


def _gate_outputs(config: Config, layer: int) -> int:
    return config.integer("num_attention_heads") * config.integer("v_head_dim")


_PLAIN = latent_attention(rotary=False)
_GATED = latent_attention(rotary=False, output_gate=_gate_outputs)


def _experts(config: Config, layer: int) -> tuple[Operator, ...]:
    """Experts, in a latent space of ``routed_expert_hidden_size`` where there is one."""
    latent, hidden = config.optional("routed_expert_hidden_size"), config.hidden
    operators = experts(shared_width=shared_width, inputs=latent or "hidden_size")(config, layer)
    if not latent or latent == hidden:
        return operators
    normed = norm("latent.norm", width=latent)(config, layer) if config.flag("latent_moe_use_norm") else ()
    return (MatMul(name="latent.down", inputs=hidden, outputs=latent), *normed, *operators,
            MatMul(name="latent.up", inputs=latent, outputs=hidden, saved_elements=latent))  # fmt: skip


_LAYER = sequence(
    norm("input_norm"),
    choose(_full, choose("mla_use_output_gate", _GATED, _PLAIN), _delta_attention),
    norm("post_attention_norm"),
    choose(_sparse, _experts, gated_mlp()),
)
_DEFAULTS = {
    "num_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1, "linear_head_dim": 128,
    "linear_num_heads": 32, "linear_conv_kernel_dim": 4, "v_head_dim": 128, "attention_bias": False,
}  # fmt: skip


def _attributes(config: Config) -> Mapping[str, Any]:
    return {"mtp_layers": config.optional("num_nextn_predict_layers", 0), "state_format": "fp32"}


KIMI_LINEAR = Family(name="kimi_linear", model_types=("kimi_linear",), expand=_expand, layer=_LAYER, defaults=_DEFAULTS,
                     attributes=_attributes)  # fmt: skip
KIMI_K3 = Family(
    name="kimi_k3",
    model_types=("kimi_k3",),
    text=("text_config",),
    text_family="kimi_linear",
    notes=("Kimi K3: text read as Kimi Linear with gates and latent experts, not checked against published code; "
           "attention residuals and the vision tower are not counted",),
)  # fmt: skip

FAMILIES = (KIMI_LINEAR, KIMI_K3)
