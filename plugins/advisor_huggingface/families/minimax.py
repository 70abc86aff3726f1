"""MiniMax-01 (lightning attention), M2 (grouped attention) and M3 (sparse attention by blocks of keys)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Attention, Elementwise, MatMul, Operator
from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.linear_attention import lightning_attention
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, choose, sequence
from advisor_huggingface.vision import minimax


def _linear(config: Config, layer: int) -> bool:
    kind = layer_kind(config, layer)
    if kind:
        return kind == "linear_attention"
    kinds = config.each_layer("attn_type_list")  # the published file: 0 linear, 1 full
    return kinds[layer] == 0 if kinds else layer % 2 == 1


MINIMAX = Family(
    name="minimax",
    model_types=("minimax", "minimax_text_01", "minimax_m1"),
    layer=sequence(
        norm("input_norm"),
        choose(_linear, lightning_attention(), attention()),
        norm("post_attention_norm"),
        experts(width="intermediate_size"),
    ),
    defaults={"num_key_value_heads": 8, "num_experts": 8, "num_experts_per_tok": 2},
    attributes=lambda config: {"state_format": "fp32"},
)

MINIMAX_M2 = Family(
    name="minimax_m2",
    model_types=("minimax_m2",),
    layer=sequence(
        norm("input_norm"),
        attention(qk_norm="width", qk_normed=lambda config, layer: config.flag("use_qk_norm", True)),
        norm("post_attention_norm"),
        experts(width="intermediate_size"),
    ),
    defaults={"num_key_value_heads": 8, "head_dim": 128, "num_experts": 256, "num_experts_per_tok": 8},
    attributes=lambda config: {"mtp_layers": config.optional("num_mtp_modules", 0)},
)

_INDEX = {"index_n_heads": "sparse_num_index_heads", "index_head_dim": "sparse_index_dim",
          "index_block_size": "sparse_block_size", "index_topk_blocks": "sparse_topk_blocks",
          "index_local_blocks": "sparse_local_block"}  # fmt: skip


def _expand(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the published file's ``sparse_attention_config`` and ``moe_layer_freq`` as transformers does."""
    sparse = document.get("sparse_attention_config")
    changed: dict[str, Any] = {}
    if isinstance(sparse, Mapping):
        changed = {name: sparse[old] for name, old in _INDEX.items() if old in sparse}
        flags = sparse.get("sparse_attention_freq")
        if isinstance(flags, list) and "layer_types" not in document:
            changed["layer_types"] = ["minimax_m3_sparse" if flag else "full_attention" for flag in flags]
    flags = document.get("moe_layer_freq")
    if isinstance(flags, list) and "mlp_layer_types" not in document:
        changed["mlp_layer_types"] = ["sparse" if flag else "dense" for flag in flags]
    return {**document, **changed}


def _selects(config: Config, layer: int) -> bool:
    return layer_kind(config, layer) == "minimax_m3_sparse"


def _attended(config: Config, layer: int) -> int | None:
    if not _selects(config, layer):
        return None
    blocks = config.integer("index_topk_blocks") + config.integer("index_local_blocks", 1, least=0)
    return config.integer("index_block_size") * blocks


def _index(config: Config, layer: int) -> tuple[Operator, ...]:
    heads, width = config.integer("index_n_heads"), config.integer("index_head_dim")
    return (
        MatMul(name="index.q_b", inputs=config.hidden, outputs=heads * width),
        MatMul(name="index.k", inputs=config.hidden, outputs=width),
        Elementwise(name="index.norms", elements=2 * (heads + 1) * width, parameters_own=2 * width),
        Attention(name="index.scores", heads=heads, kv_heads=1, key_width=width, value_width=0, split="none"),
    )


def _sparse(config: Config, layer: int) -> bool:
    kinds = config.each_layer("mlp_layer_types")
    return kinds[layer] == "sparse" if kinds else True


MINIMAX_M3_TEXT = Family(
    name="minimax_m3",
    model_types=("minimax_m3_vl_text", "minimax_m3"),
    expand=_expand,
    layer=sequence(
        norm("input_norm"),
        choose(_selects, _index),
        attention(qk_norm="head", window=None, chunk=None, attended=_attended),
        norm("post_attention_norm"),
        choose(
            _sparse,
            experts(width="intermediate_size", shared_width="shared_intermediate_size"),
            gated_mlp(width="dense_intermediate_size"),
        ),
    ),
    defaults={"num_key_value_heads": 4, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 4,
              "dense_intermediate_size": 12288, "shared_intermediate_size": 3072, "index_n_heads": 4,
              "index_head_dim": 128, "index_block_size": 128, "index_topk_blocks": 16, "index_local_blocks": 1},
    attributes=lambda config: {"mtp_layers": config.optional("num_nextn_predict_layers",
                                                             config.optional("num_mtp_modules", 0))},
)  # fmt: skip
MINIMAX_M3 = Family(name="minimax_m3", model_types=("minimax_m3_vl",), text=("text_config",),
                    text_family="minimax_m3_vl_text", towers=(minimax.MINIMAX_M3,))  # fmt: skip

FAMILIES = (MINIMAX, MINIMAX_M2, MINIMAX_M3_TEXT, MINIMAX_M3)
