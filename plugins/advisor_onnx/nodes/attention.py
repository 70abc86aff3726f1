"""Attention and rotary embedding (opset 23 and later)."""

from __future__ import annotations

from advisor.operators import Elementwise, Recurrence
from advisor_graph.operators import SampleAttention
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.nodes import node
from advisor_onnx.values import Value


def emit_attention(call: Call, batch: int, heads: int, kv_heads: int, queries: int, keys: int, key_width: int,
                   value_width: int, saved: int = 0) -> None:  # fmt: skip
    """Add scores, softmax and weighted sum of ``batch`` sequences of ``queries`` over ``keys``."""
    if call.constant:
        return
    call.emit(SampleAttention(
        name="attention", heads=heads, kv_heads=kv_heads, key_width=key_width, value_width=value_width,
        positions=batch * queries, keys=keys, repeats=batch, saved_elements=saved,
    ))  # fmt: skip
    call.emit(Elementwise(name="softmax", elements=2 * batch * heads * queries * keys))


@node("Attention")
def attention(call: Call) -> list[Value]:
    """Query, key, value, mask, past key and value; heads in an axis of their own or folded into the last."""
    query, key, value = (call.value(index) for index in range(3))
    if query.rank == 4 and key.rank == 4 and value.rank == 4:
        batch, heads, queries, width = query.shape
        kv_heads, keys, value_width = key.shape[1], key.shape[2], value.shape[3]
        shape: tuple[int, ...] = (batch, heads, queries, value_width)
    elif query.rank == 3 and key.rank == 3 and value.rank == 3:
        heads, kv_heads = call.integer("q_num_heads", 0, least=1), call.integer("kv_num_heads", 0, least=1)
        batch, queries, keys = query.shape[0], query.shape[1], key.shape[1]
        if query.shape[2] % heads or value.shape[2] % kv_heads:
            raise call.fail(f"{heads} heads do not divide a width of {query.shape[2]}")
        width, value_width = query.shape[2] // heads, value.shape[2] // kv_heads
        shape = (batch, queries, heads * value_width)
    else:
        raise call.fail(f"query, key and value have shapes {shown([query.shape, key.shape, value.shape])}; "
                        "expected three axes each, or four")  # fmt: skip
    past = call.optional(4)
    total = keys + (past.shape[2] if past is not None and past.rank == 4 else 0)
    saved = sum(one.keep() for one in (query, key, value)) + 2 * batch * heads * queries
    emit_attention(call, batch, heads, kv_heads, queries, total, width, value_width, saved)
    outputs = [
        call.result(shape),
        call.result((batch, kv_heads, total, width)),
        call.result((batch, kv_heads, total, value_width)),
        call.result((batch, heads, queries, total)),
    ]
    return outputs[: max(1, len(call.node.outputs))]


@node("RotaryEmbedding")
def rotary(call: Call) -> list[Value]:
    """Turns pairs of values by angles of their position."""
    output = call.result(call.value(0).shape)
    call.move([output], parameters=False)
    return [output]


@node("FlexAttention", domain="ai.onnx.preview")
def flexible_attention(call: Call) -> list[Value]:
    """Attention with a graph of its own that changes the scores: value by value, so bytes."""
    query, key, value = (call.value(index) for index in range(3))
    if query.rank != 4 or key.rank != 4 or value.rank != 4:
        raise call.fail(
            f"query, key and value have shapes {shown([query.shape, key.shape, value.shape])}; expected four axes"
        )
    batch, heads, queries, width = query.shape
    emit_attention(call, batch, heads, key.shape[1], queries, key.shape[2], width, value.shape[3])
    return [call.result((batch, heads, queries, value.shape[3]))]


#: Products of key width x value width a token: state update and read-out; the delta rules also read what the
#: state holds of the key. Each is a multiply-add a state value.
_PRODUCTS = {"linear": 2, "gated": 2, "delta": 3, "gated_delta": 3}


@node("LinearAttention")
def linear_attention(call: Call) -> list[Value]:
    """A state of key width x value width a head, updated each token: query, key, value, past state, decay, rate."""
    query, key, value = (call.value(index) for index in range(3))
    heads, kv_heads = call.integer("q_num_heads", 0, least=1), call.integer("kv_num_heads", 0, least=1)
    if any(one.rank != 3 for one in (query, key, value)) or query.shape[2] % heads or key.shape[2] % kv_heads:
        raise call.fail(
            f"query, key and value have shapes {shown([query.shape, key.shape, value.shape])} for {heads} heads"
        )
    batch, steps = query.shape[:2]
    width, value_width = key.shape[2] // kv_heads, value.shape[2] // kv_heads
    products = _PRODUCTS.get(call.text("update_rule", "gated_delta"), 3)
    state = width * value_width
    if not call.constant:
        call.emit(Recurrence(
            name="state", state_width=batch * kv_heads * state, positions=batch * steps,
            flops_each=2 * state * ((products - 1) * kv_heads + heads),
            activation_width=query.shape[2] + key.shape[2] + value.shape[2] + heads * value_width,
        ))  # fmt: skip
    return [call.result((batch, steps, heads * value_width)), call.result((batch, kv_heads, width, value_width))]
