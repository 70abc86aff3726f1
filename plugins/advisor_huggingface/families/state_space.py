"""Mamba, Mamba-2, Jamba, Bamba, Falcon-H1, Granite 4 hybrids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mamba import mamba1, mamba2
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.dense import prenorm
from advisor_huggingface.family import Family, Measure, Test, choose, sequence


def _expanded(field: str, default: int = 2) -> Measure:
    def width(config: Config, layer: int) -> int:
        return int(config.number(field, default) * config.hidden)

    return width


def _step_rank(field: str) -> Measure:
    def rank(config: Config, layer: int) -> int:
        return -(-config.hidden // 16) if config.raw(field) in (None, "auto") else config.integer(field)

    return rank


_STATE: Mapping[str, Any] = {"state_format": "fp32"}

MAMBA = Family(
    name="mamba",
    model_types=("mamba",),
    heads=_expanded("expand"),
    layer=sequence(norm("norm"), mamba1(inner=_expanded("expand"), step_rank=_step_rank("time_step_rank"))),
    defaults={"state_size": 16, "conv_kernel": 4, "use_conv_bias": True, "tie_word_embeddings": True},
    attributes=lambda config: _STATE,
)


def _mamba2_heads(config: Config, layer: int) -> int:
    count, width = config.integer("num_heads", 128), config.integer("head_dim", 64)
    if count * width != _expanded("expand")(config, layer):
        raise config.error("num_heads", f"{count} heads of {width} are not expand x hidden_size")
    return count


MAMBA2 = Family(
    name="mamba2",
    model_types=("mamba2",),
    heads=_mamba2_heads,
    layer=sequence(
        norm("norm"),
        mamba2(heads=_mamba2_heads, width="head_dim", state="state_size", groups="n_groups", kernel="conv_kernel",
               bias="use_bias", convolution_bias="use_conv_bias"),
    ),
    defaults={"head_dim": 64, "state_size": 128, "n_groups": 8, "conv_kernel": 4, "use_conv_bias": True},
    attributes=lambda config: _STATE,
)  # fmt: skip


def _every(period: str, offset: str, period_default: int, offset_default: int) -> Test:
    def test(config: Config, layer: int) -> bool:
        first = config.integer(offset, offset_default, least=0)
        return layer % config.integer(period, period_default) == first

    return test


_JAMBA_EXPERTS = experts(width="intermediate_size")


def _jamba_sparse(config: Config, layer: int) -> bool:
    many = config.integer("num_experts", 16) > 1
    return many and _every("expert_layer_period", "expert_layer_offset", 2, 1)(config, layer)


def _jamba_attends(config: Config, layer: int) -> bool:
    kind = layer_kind(config, layer) or layer_kind(config, layer, "layers_block_type")
    if kind:
        return kind in ("attention", "full_attention")
    return bool(_every("attn_layer_period", "attn_layer_offset", 8, 4)(config, layer))


JAMBA = Family(
    name="jamba",
    model_types=("jamba",),
    layer=prenorm(
        choose(
            _jamba_attends,
            attention(rotary=False),
            mamba1(inner=_expanded("mamba_expand"), state="mamba_d_state", step_rank=_step_rank("mamba_dt_rank"),
                   kernel="mamba_d_conv", bias="mamba_proj_bias", convolution_bias="mamba_conv_bias", norms=True),
        ),
        choose(_jamba_sparse, _JAMBA_EXPERTS, gated_mlp()),
    ),
    defaults={"num_key_value_heads": 8, "num_experts": 16, "num_experts_per_tok": 2, "mamba_d_state": 16,
              "mamba_d_conv": 4, "mamba_conv_bias": True},
    attributes=lambda config: _STATE,
)  # fmt: skip


def _head_width(config: Config, layer: int) -> int:
    """Width of a Mamba head: as given, or what is left of the inner width."""
    if config.raw("mamba_d_head") not in (None, "auto"):
        return config.integer("mamba_d_head")
    inner = config.optional("mamba_d_ssm") or _expanded("mamba_expand")(config, layer)
    heads = config.integer("mamba_n_heads")
    if inner % heads:
        raise config.error("mamba_n_heads", f"{heads} does not divide the inner width {inner}")
    return int(inner // heads)


def _bamba_attends(config: Config, layer: int) -> bool:
    kind = layer_kind(config, layer)
    return kind in ("attention", "full_attention") if kind else layer in config.integers("attn_layer_indices")


_MAMBA2_DEFAULTS = {"mamba_n_heads": 128, "mamba_n_groups": 1, "mamba_d_state": 256, "mamba_d_conv": 4,
                    "mamba_conv_bias": True, "num_key_value_heads": 8}  # fmt: skip

BAMBA = Family(
    name="bamba",
    model_types=("bamba",),
    layer=prenorm(
        choose(_bamba_attends, attention(bias="attention_bias"), mamba2(width=_head_width)),
        gated_mlp(bias="mlp_bias"),
    ),
    defaults=_MAMBA2_DEFAULTS,
    attributes=lambda config: _STATE,
)
FALCON_H1 = Family(
    name="falcon_h1",
    model_types=("falcon_h1",),
    # Attention and a state-space mixer read the same input side by side.
    layer=prenorm(
        sequence(
            mamba2(width=_head_width, norm="mamba_rms_norm"),
            attention(bias="attention_bias"),
        ),
        gated_mlp(bias="mlp_bias"),
    ),
    defaults={**_MAMBA2_DEFAULTS, "mamba_d_ssm": 1024},
    attributes=lambda config: _STATE,
)


def _granite_attends(config: Config, layer: int) -> bool:
    return layer_kind(config, layer) in ("attention", "full_attention")


def _has_experts(config: Config, layer: int) -> bool:
    return (config.optional("num_experts") or 0) > 0


GRANITE_HYBRID = Family(
    name="granitemoehybrid",
    model_types=("granitemoehybrid",),
    layer=prenorm(
        choose(_granite_attends, attention(bias="attention_bias"), mamba2(width=_head_width)),
        sequence(
            choose(_has_experts, experts(width="intermediate_size")),
            gated_mlp(width="shared_intermediate_size", prefix="shared_expert."),
        ),
    ),
    defaults={**_MAMBA2_DEFAULTS, "num_key_value_heads": None, "num_experts": 8, "num_experts_per_tok": 2,
              "shared_intermediate_size": 1024},
    attributes=lambda config: _STATE,
)  # fmt: skip


FAMILIES = (MAMBA, MAMBA2, JAMBA, BAMBA, FALCON_H1, GRANITE_HYBRID)
