"""Attention, recurrent layers and look-ups of ATen. FLOPs follow ``torch.utils.flop_counter``."""

from __future__ import annotations

from advisor.operators import Elementwise, Embedding, MatMul, Recurrence
from advisor_graph.operators import SampleAttention
from advisor_torch.operators import move, rule
from advisor_torch.values import Call, Value


@rule(
    "scaled_dot_product_attention",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention",
    "_scaled_dot_product_attention_math",
    "_scaled_dot_product_fused_attention_overrideable",
    "_scaled_dot_product_attention_math_for_mps",
)
def attention(call: Call) -> None:
    """Scores, softmax, weighted sum: (batch, heads, steps, width) each."""
    query, key, value = call.tensor("query"), call.tensor("key"), call.tensor("value")
    heads, kv_heads = query.shape[-3], key.shape[-3]
    queries, keys = query.shape[-2], key.shape[-2]
    batch = query.elements // max(heads * queries * query.shape[-1], 1)
    saved = sum(one.keep() for one in (query, key, value)) + call.output.keep()
    call.placed.operators.append(SampleAttention(
        name="attention", heads=heads, kv_heads=kv_heads, key_width=query.shape[-1], value_width=value.shape[-1],
        positions=batch * queries, keys=keys, repeats=batch, saved_elements=saved,
    ))  # fmt: skip


@rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(call: Call) -> None:
    """A stack of recurrent layers; weights come as input and recurrent matrix, biases, projection, in turn."""
    data = call.tensor("input")
    gates, states, saved = {"lstm": (4, 2, 6), "gru": (3, 1, 5)}.get(call.op, (1, 1, 1))
    flat = [value for value in call.get("params", ()) if isinstance(value, Value)]
    steps = data.elements // max(data.shape[-1], 1)
    matrices = [value for value in flat if len(value.shape) == 2]
    extra = 1 if len(matrices) % 3 == 0 and any(one.shape[0] != matrices[0].shape[0] for one in matrices) else 0
    for index in range(0, len(matrices) - 1, 2 + extra):
        kernel, recurrence = matrices[index], matrices[index + 1]
        hidden = kernel.shape[0] // gates
        op = MatMul(name="kernel", inputs=kernel.shape[1], outputs=kernel.shape[0], positions=steps, split="columns",
                    saved_elements=steps * kernel.shape[1])  # fmt: skip
        call.placed.product(op, call.claim(kernel))
        own = sum(weight.elements for weight in call.claim(recurrence))
        call.placed.operators.append(Recurrence(
            name="recurrent_kernel", state_width=states * hidden, flops_each=2 * recurrence.elements, positions=steps,
            activation_width=(gates + 2 * states) * hidden, parameters_own=own, sequential=True,
            saved_elements=saved * hidden * steps, native_format=recurrence.weights[0].format if own else None,
        ))  # fmt: skip
        if extra:
            projection = matrices[index + 2]
            call.placed.product(MatMul(name="projection", inputs=projection.shape[1], outputs=projection.shape[0],
                                       positions=steps), call.claim(projection))  # fmt: skip
    if rest := call.claim(*flat):
        call.placed.stored("bias", rest)


@rule("mkldnn_rnn_layer", "_cudnn_rnn", "_thnn_fused_lstm_cell", "_thnn_fused_gru_cell", "miopen_rnn")
def fused_recurrent(call: Call) -> None:
    """One layer of an LSTM as a CPU library runs it; cells work value by value after their products."""
    matrices = [value for value in call.tensors if value.constant and value.weights and len(value.shape) == 2]
    data = call.maybe("input")
    if "cell" in call.op or data is None or len(matrices) < 2:
        move(call)
        return
    steps = data.elements // max(data.shape[-1], 1)
    for kernel, recurrence in zip(matrices[::2], matrices[1::2], strict=False):
        call.placed.product(MatMul(name="kernel", inputs=kernel.shape[1], outputs=kernel.shape[0], positions=steps),
                            call.claim(kernel))  # fmt: skip
        own = sum(weight.elements for weight in call.claim(recurrence))
        hidden = recurrence.shape[1]
        call.placed.operators.append(Recurrence(
            name="recurrent_kernel", state_width=2 * hidden, flops_each=2 * recurrence.elements, positions=steps,
            activation_width=8 * hidden, parameters_own=own, sequential=True, saved_elements=6 * hidden * steps,
            native_format=recurrence.weights[0].format if own else None,
        ))  # fmt: skip
    if rest := call.claim(*call.tensors):
        call.placed.stored("bias", rest)


@rule("embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def embedding(call: Call) -> None:
    """Rows of a table."""
    table, indices = call.tensor("weight"), call.tensor("indices")
    weights = call.claim(table)
    if sum(weight.elements for weight in weights) == table.elements and len(table.shape) == 2:
        call.placed.operators.append(
            Embedding(
                name="table",
                rows=table.shape[0],
                width=table.shape[1],
                positions=indices.elements,
                native_format=weights[0].format,
            )
        )
    else:
        call.placed.operators.append(Elementwise(name="table", elements=2 * call.output.elements))
        if weights:
            call.placed.stored("weights", weights)


@rule("index", "index_select", "gather", "take", "take_along_dim")
def look_up(call: Call) -> None:
    """Entries that indices name: as much as comes out."""
    weights = call.claim(*(value for value in call.tensors if value.constant))
    call.placed.stored(call.op, weights, elements=2 * call.output.elements)
