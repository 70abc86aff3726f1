"""Which operators of an architecture the published names of weights belong to."""

from __future__ import annotations

import re
from functools import lru_cache

#: Part of a block's tensor name, and the operators that it may belong to, the likeliest first.
_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"indexer\.(wq_b|q_b_proj)", ("index.q_b",)),
    (r"indexer\.(wk|k_proj)", ("index.k",)),
    (r"indexer\.k_norm", ("index.k_norm",)),
    (r"indexer\.weights_proj", ("index.weights",)),
    (r"shared_experts?\.(gate_proj|up_proj|gate_up_proj|w1|w3)", ("shared_expert.gate_up", "shared_expert.up")),
    (r"shared_experts?\.(down_proj|w2)", ("shared_expert.down",)),
    (r"shared_expert_gate", ("shared_expert.gate",)),
    (r"experts\.(\d+\.)?(gate_proj|up_proj|gate_up_proj|w1|w3|fc1)", ("experts.gate_up", "experts.up")),
    (r"experts\.(\d+\.)?(down_proj|w2|fc2)", ("experts.down",)),
    (r"e_score_correction_bias|gate\.bias$", ()),  # a buffer in most architectures
    (r"(mlp|moe|block_sparse_moe|feed_forward|ffn|mixer)\.(gate|router)(\.|$)|(^|\.)router\.", ("router",)),
    (r"linear_attn\.(in_proj_(qkvz|qkv|z))", ("in_proj",)),
    (r"linear_attn\.in_proj_(ba|b|a)", ("in_proj.gates",)),
    (r"(mixer|mamba|linear_attn)\.(A_log|D|dt_bias)$", ("scan", "delta_rule")),
    (r"conv1d", ("convolution",)),
    (r"(mixer|mamba|linear_attn)\.norm", ("gated_norm",)),
    (r"(mixer|mamba|linear_attn)\.in_proj", ("in_proj",)),
    (r"(mixer|mamba)\.x_proj", ("x_proj",)),
    (r"(mixer|mamba)\.dt_proj", ("dt_proj",)),
    (r"(mixer|mamba|linear_attn)\.out_proj", ("out_proj",)),
    (r"(q_a_layernorm|q_a_norm|attn\.q_norm)", ("q_a_norm", "qk_norm")),
    (r"(kv_a_layernorm|kv_a_norm|attn\.kv_norm)", ("kv_a_norm",)),
    (r"(q_a_proj|wq_a|kv_a_proj\w*|wkv)\b", ("qkv_a", "kv_a", "q_a")),
    (r"(q_b_proj|wq_b)", ("q_b",)),
    (r"kv_b_proj", ("kv_b",)),
    (r"(q|k)_(layer)?norm|(query|key)_norm", ("qk_norm",)),
    (r"sinks", ("attention",)),
    (r"(attn|attention|self_attention|mixer)\w*\.(q_proj|k_proj|v_proj|qkv_proj|Wqkv|query_key_value|c_attn|wq|wk|wv|qkv)\b",
     ("qkv", "q", "kv")),
    (r"(attn|attention|self_attention|mixer)\w*\.(o_proj|out_proj|dense|c_proj|wo)\b", ("o", "out_proj")),
    (r"(gate_proj|up_proj|gate_up_proj|w1|w3|fc1|c_fc|dense_h_to_4h|fc_in)\b", ("gate_up", "up")),
    (r"(down_proj|w2|fc2|c_proj|dense_4h_to_h|fc_out)\b", ("down",)),
    (r"^(input_layernorm|ln_1|attention_norm|self_attn_layer_norm|ln1)", ("input_norm", "norm")),
    (r"^(post_attention_layernorm|ln_2|ffn_norm|final_layer_norm|ln2)", ("post_attention_norm",)),
    (r"^pre_feedforward_layernorm", ("pre_feedforward_norm",)),
    (r"^post_feedforward_layernorm", ("post_feedforward_norm",)),
    (r"^norm", ("norm", "input_norm")),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), names) for pattern, names in _RULES)

_OUTSIDE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(embed_tokens|wte|word_embeddings|embed_in|tok_embeddings|(?<!position_)(?<!type_)embeddings?)\.weight$"),
     "embed_tokens"),
    (re.compile(r"(wpe|embed_positions|position_embeddings)\.weight$"), "embed_positions"),
    (re.compile(r"(lm_head|embed_out|output)\.(weight|qweight|weight_packed|bias)$"), "lm_head"),
    (re.compile(r"(^|\.)(norm|ln_f|final_layernorm|final_layer_norm|norm_f)\.(weight|bias)$"), "norm"),
)  # fmt: skip

#: Saved with the weights but no weights: masks, positions, frequencies. A reader of the architecture makes them anew.
_BUFFER_ENDS = ("inv_freq", "position_ids", "bias", "num_batches_tracked", "cached", "_emb.freqs", "_emb.scale")
BUFFER = re.compile(
    r"(inv_freq|position_ids|masked_bias|(^|\.)(attn|attention)\.bias|num_batches_tracked|rotary_emb\.\w+)$"
)


def is_buffer(name: str) -> bool:
    """Whether a tensor is no weight; most names are passed over by their end."""
    return name.endswith(_BUFFER_ENDS) and BUFFER.search(name) is not None


@lru_cache(maxsize=1 << 14)
def operators_of(role: str) -> tuple[str, ...]:
    """Operators that a block's tensor may belong to."""
    return next((names for pattern, names in _COMPILED if pattern.search(role)), ())


@lru_cache(maxsize=1 << 12)
def operator_outside(name: str) -> str:
    """The operator before or after the blocks that a tensor belongs to; empty where none is known."""
    return next((operator for pattern, operator in _OUTSIDE if pattern.search(name)), "")
