"""Attention of a block: grouped heads, or a latent one (DeepSeek-V2 and later)."""

from __future__ import annotations

from advisor.operators import Attention, Elementwise, MatMul, Operator
from advisor_gguf.block import Block
from advisor_tensors import Tensor, product, vectors


def attention(block: Block) -> list[Operator]:
    """Operators of the block's attention; none where the block has no attention."""
    if "attn_kv_a_mqa" in block:
        return _latent(block)
    if "attn_qkv" not in block and "attn_q" not in block:
        return []
    operators = _projections(block)
    heads = block.whole("attention.head_count")
    groups = block.whole("attention.head_count_kv", heads)
    hidden = block.metadata.hidden
    outputs = sum(op.outputs for op in operators if isinstance(op, MatMul))
    window = block.metadata.window(block.index) if block.index >= 0 else None
    each = hidden // heads if heads else 0
    key, value = block.whole("attention.key_length", each), block.whole("attention.value_length", each)
    if window is not None:
        key = block.whole("attention.key_length_swa", key)
        value = block.whole("attention.value_length_swa", value)
    plain = heads * key + groups * (key + value)
    if not heads or not groups or heads % groups or outputs not in (plain, plain + heads * key, heads * key):
        block.notes.append(f"heads of {block.metadata.architecture} do not match its products: scores and cache of "
                           "some blocks are left out")  # fmt: skip
        return operators + _output(block)
    normed = (heads + groups) * key
    operators += vectors("qk_norm", block.weights("attn_q_norm", "attn_k_norm")
                         + block.biases("attn_q_norm", "attn_k_norm"),
                         elements=2 * normed, split="heads", saved_elements=normed)  # fmt: skip
    if any(name.startswith(f"{block.metadata.architecture}.rope.") for name in block.metadata.values):
        operators.append(Elementwise(name="rotary", elements=2 * normed, split="heads"))
    shared = outputs == heads * key and groups > 0 and plain != outputs
    last = block.metadata.blocks - block.whole("attention.shared_kv_layers")
    sinks = block.take("attn_sinks")
    operators.append(Attention(
        name="attention", heads=heads, kv_heads=groups, key_width=key, value_width=value, causal=block.causal,
        attended_limit=window, cached_limit=window, cache_width=0 if shared or 0 <= last <= block.index else None,
        saved_elements=heads * (key + value) + groups * (key + value),
        parameters_own=sinks.values if sinks else 0, native_format=sinks.format if sinks else None,
    ))  # fmt: skip
    if outputs == plain + heads * key:  # a second query-sized part gates the output
        operators.append(Elementwise(name="output_gate", elements=3 * heads * value, split="heads",
                                     saved_elements=2 * heads * value))  # fmt: skip
    return operators + _output(block)


def _projections(block: Block) -> list[Operator]:
    roles = [role for role in ("attn_qkv", "attn_q", "attn_k", "attn_v") if role in block]
    weights = block.weights(*roles)
    return product("qkv", weights, block.biases(*roles), inputs=weights[0].shape[0], split="columns",
                   saved=weights[0].shape[0], names=[role.removeprefix("attn_") for role in roles])  # fmt: skip


def _output(block: Block) -> list[Operator]:
    weights, biases = block.weights("attn_output"), block.biases("attn_output")
    operators = vectors("attention_sub_norm", block.weights("attn_sub_norm")) if weights else []
    if weights:
        operators += product("o", weights, biases, inputs=weights[0].shape[0], split="rows")
    return operators


def _latent(block: Block) -> list[Operator]:
    """Multi-head latent attention: the cache holds one compressed vector and a rotary key a token."""
    first = [role for role in ("attn_q_a", "attn_kv_a_mqa") if role in block]
    weights = block.weights(*first)
    hidden = weights[0].shape[0]
    name = "qkv_a" if len(weights) == 2 else "kv_a"
    operators = product(name, weights, block.biases(*first), inputs=hidden, saved=hidden,
                        names=["q_a", "kv_a"] if len(weights) == 2 else ())  # fmt: skip
    for part in ("q_a", "kv_a"):
        norm = block.weights(f"attn_{part}_norm")
        if norm:
            operators += vectors(f"{part}_norm", norm, elements=2 * norm[0].values, saved_elements=norm[0].values)
    for role, label in (("attn_q_b", "q_b"), ("attn_q", "q")):
        found = block.weights(role)
        if found:
            operators += product(label, found, inputs=found[0].shape[0], split="columns", saved=found[0].shape[0])
    heads, rank = block.whole("attention.head_count"), block.whole("attention.kv_lora_rank")
    rope = block.whole("rope.dimension_count")
    # Newer files give the cache's own widths as key_length and value_length, and the heads' under *_mla.
    key = block.whole("attention.key_length_mla", block.whole("attention.key_length"))
    value = block.whole("attention.value_length_mla", block.whole("attention.value_length"))
    parts: list[Tensor] = block.weights("attn_kv_b", "attn_k_b", "attn_v_b")
    if parts and rank:
        operators += product("kv_b", parts, inputs=rank, split="columns", saved=rank,
                             names=["k_b", "v_b"] if len(parts) == 2 else ())  # fmt: skip
    if heads and rank and key and value:
        operators.append(Elementwise(name="rotary", elements=2 * (heads + 1) * rope, split="heads"))
        operators.append(Attention(
            name="attention", heads=heads, kv_heads=heads, key_width=key, value_width=value, causal=block.causal,
            cache_width=rank + rope, absorbed_key_width=rank + rope, absorbed_value_width=rank,
            saved_elements=2 * heads * (key + value),
        ))  # fmt: skip
    else:
        block.notes.append("latent attention without its ranks in the metadata: scores and cache left out")
    return operators + _output(block)
