"""Nemotron-H: blocks of one part each, Mamba-2, attention, a plain network or experts; Nemotron-NAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mamba import mamba2
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, Test, choose, sequence

_LETTERS = {"M": "mamba", "E": "moe", "*": "attention", "-": "mlp"}
_WORDS = {"linear_attention": "mamba", "full_attention": "attention"}


def _expand(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the pattern of blocks as a list; its length is the number of layers."""
    given = document.get("layers_block_type") or document.get("layer_types")
    pattern = document.get("hybrid_override_pattern")
    if not isinstance(given, list) and isinstance(pattern, str):
        given = list(pattern)
    if not isinstance(given, list):
        return document
    kinds = [_WORDS.get(str(kind), _LETTERS.get(str(kind), str(kind))) for kind in given]
    return {**document, "block_kinds": kinds, "num_hidden_layers": len(kinds)}


def _is(kind: str) -> Test:
    def test(config: Config, layer: int) -> bool:
        kinds = config.each_layer("block_kinds")
        if not kinds:
            raise config.error("hybrid_override_pattern", "is missing; it gives the kind of each block (M, E, *, -)")
        if kinds[layer] not in ("mamba", "moe", "attention", "mlp"):
            raise config.error("hybrid_override_pattern", f"block {layer} is {str(kinds[layer])[:20]!r}; "
                               "known: M (mamba), E (moe), * (attention), - (mlp)")  # fmt: skip
        return bool(kinds[layer] == kind)

    return test


def _head_width(config: Config, layer: int) -> int:
    return config.optional("head_dim") or config.optional("attention_head_dim") or 128


def _experts(config: Config, layer: int) -> tuple[Operator, ...]:
    """Plain experts, in a latent space of ``moe_latent_size`` where there is one."""
    latent, hidden = config.optional("moe_latent_size"), config.hidden
    build = experts(gated=False, shared_width="moe_shared_expert_intermediate_size", shared_bias="mlp_bias",
                    inputs=latent or "hidden_size")  # fmt: skip
    operators = build(config, layer)
    if not latent:
        return operators
    bias = config.flag("mlp_bias")
    return (MatMul(name="latent.down", inputs=hidden, outputs=latent, bias=bias), *operators,
            MatMul(name="latent.up", inputs=latent, outputs=hidden, bias=bias, saved_elements=latent))  # fmt: skip


NEMOTRON_H = Family(
    name="nemotron_h",
    model_types=("nemotron_h",),
    expand=_expand,
    layer=sequence(
        norm("norm"),
        choose(_is("mamba"), mamba2(heads="mamba_num_heads", width="mamba_head_dim", state="ssm_state_size",
                                    groups="n_groups", kernel="conv_kernel", bias="use_bias",
                                    convolution_bias="use_conv_bias")),
        choose(_is("attention"), attention(width=_head_width, rotary=False)),
        choose(_is("mlp"), plain_mlp(bias="mlp_bias")),
        choose(_is("moe"), _experts),
    ),
    defaults={"num_key_value_heads": 8, "mamba_num_heads": 128, "mamba_head_dim": 64, "ssm_state_size": 128,
              "n_groups": 8, "conv_kernel": 4, "use_conv_bias": True},
    attributes=lambda config: {"mtp_layers": config.optional("num_nextn_predict_layers", 0), "state_format": "fp32"},
)  # fmt: skip


def _nas_part(config: Config, layer: int, part: str) -> Mapping[str, Any]:
    blocks = config.each_layer("block_configs")
    if not blocks:
        raise config.error("block_configs", "is missing; it gives the parts of each block")
    block = blocks[layer]
    found = block.get(part) if isinstance(block, Mapping) else None
    if not isinstance(found, Mapping):
        raise config.error("block_configs", f"block {layer} has no object {part!r}")
    return found


def _nas_attention(config: Config, layer: int) -> tuple[Operator, ...]:
    part, hidden = _nas_part(config, layer, "attention"), config.hidden
    if part.get("no_op"):
        return ()
    if part.get("replace_with_linear"):
        return (*norm("input_norm")(config, layer), MatMul(name="linear_attention", inputs=hidden, outputs=hidden))
    group = config.whole("block_configs", part.get("n_heads_in_group"), 1)
    heads = config.integer("num_attention_heads")
    if heads % group:
        raise config.error("num_attention_heads", f"{heads} is not divisible by n_heads_in_group {group}")
    window = part.get("window_length")
    return sequence(norm("input_norm"), attention(kv_heads=heads // group, bias="attention_bias", window=window))(
        config, layer)  # fmt: skip


def _nas_feed_forward(config: Config, layer: int) -> tuple[Operator, ...]:
    part, hidden = _nas_part(config, layer, "ffn"), config.hidden
    if part.get("no_op"):
        return ()
    if part.get("replace_with_linear"):
        return (*norm("post_attention_norm")(config, layer), MatMul(name="linear_mlp", inputs=hidden, outputs=hidden))
    multiple = part.get("ffn_mult")
    if isinstance(multiple, bool) or not isinstance(multiple, (int, float)) or not 0 < multiple < 1000:
        raise config.error("block_configs", f"block {layer}: ffn_mult must be a number above 0")
    width = -(-int(2 * multiple * hidden / 3) // 256) * 256  # DeciLM rounds two thirds of the multiple up to 256
    return sequence(norm("post_attention_norm"), gated_mlp(width=width, bias="mlp_bias"))(config, layer)


def _residual(config: Config, layer: int) -> tuple[Operator, ...]:
    return (Elementwise(name="residual", elements=2 * config.hidden),)


NEMOTRON_NAS = Family(
    name="nemotron-nas",
    model_types=("nemotron-nas", "deci"),
    layer=sequence(_nas_attention, _nas_feed_forward, _residual),
)

FAMILIES = (NEMOTRON_H, NEMOTRON_NAS)
