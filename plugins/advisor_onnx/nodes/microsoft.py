"""Operators of ONNX Runtime (``com.microsoft``) that its optimizer and exporters of language models write.

Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

import math

from advisor.operators import Elementwise, Embedding, MatMul
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import INT32
from advisor_onnx.nodes import NODES, node
from advisor_onnx.nodes.attention import emit_attention
from advisor_onnx.nodes.products import gemm, matrix_product, multiply
from advisor_onnx.values import Value

MS = "com.microsoft"


@node("Gelu", "FastGelu", "QuickGelu", "BiasGelu", "BiasSplitGelu", domain=MS)
def gelu(call: Call) -> list[Value]:
    """An activation, with a bias where there is one."""
    shape = call.value(0).shape
    if call.node.op_type == "BiasSplitGelu":
        shape = (*shape[:-1], shape[-1] // 2)
    output = call.result(shape)
    call.move([output], keeps_inputs=True)
    return [output]


@node("FusedMatMul", "TransposeMatMul", domain=MS)
def fused_matmul(call: Call) -> list[Value]:
    """A product with transposed factors."""
    a, b = call.value(0), call.value(1)
    if call.integer("transA", 0) and a.rank > 1:
        call.inputs[0] = _turned(a)
    if call.integer("transB", 0) and b.rank > 1:
        call.inputs[1] = _turned(b)
    return [multiply(call, 0, 1)]


def _turned(value: Value) -> Value:
    return Value(
        (*value.shape[:-2], value.shape[-1], value.shape[-2]),
        value.dtype,
        None,
        value.weights,
        value.constant,
        value.kept,
    )


@node("FusedGemm", domain=MS)
def fused_gemm(call: Call) -> list[Value]:
    """A product with an activation."""
    return gemm(call)


@node("FusedConv", domain=MS)
def fused_conv(call: Call) -> list[Value]:
    """A convolution with an activation and a sum."""
    return NODES["", "Conv"](call)


@node("MatMulNBits", "MatMulBnb4", domain=MS)
def packed_matmul(call: Call) -> list[Value]:
    """A product with a weight of 2 to 8 bits, packed in bytes with scales a block."""
    data = call.value(0)
    inner, columns = call.integer("K", least=1), call.integer("N", least=1)
    bits = call.integer("bits", 4) if call.node.op_type == "MatMulNBits" else 4
    if not data.shape or data.shape[-1] != inner:
        raise call.fail(f"multiplies shape {shown(data.shape)} by {inner} x {columns}")
    output = call.result((*data.shape[:-1], columns))
    packed = call.claim(1)
    call.walk.scale_values += sum(value.elements for index in (2, 3, 4) if (value := call.optional(index)) is not None)
    fmt = "int4" if bits <= 4 else "int8"
    call.emit(
        MatMul(
            name="kernel",
            inputs=inner,
            outputs=columns,
            positions=math.prod(data.shape[:-1]),
            tied=not packed,
            native_format=fmt,
            split="columns",
            saved_elements=data.keep(),
        )
    )
    if bias := call.claim(5):
        call.placed.stored("bias", bias)
    output.product = call.placed
    return [output]


@node("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domain=MS)
def integer_product(call: Call) -> list[Value]:
    """8-bit factors, a result in floats."""
    dynamic = call.node.op_type == "DynamicQuantizeMatMul"
    scales, bias = ((2, 3), 4) if dynamic else ((2, 3, 4, 5), 6)
    call.walk.scale_values += sum(value.elements for index in scales if (value := call.optional(index)) is not None)
    return [multiply(call, 0, 1, 1, (bias,))]


@node("QGemm", domain=MS)
def quantized_gemm(call: Call) -> list[Value]:
    """8-bit: a, scale, zero point, b, scale, zero point, bias, scale, zero point."""
    a, b = call.value(0), call.value(3)
    if a.rank != 2 or b.rank != 2:
        raise call.fail(f"multiplies shapes {a.shape} and {b.shape}; expected matrices")
    rows, inner = a.shape[::-1] if call.integer("transA", 0) else a.shape
    columns = b.shape[0] if call.integer("transB", 0) else b.shape[1]
    matrix_product(call, 0, 3, 1, rows, inner, columns, (6,))
    return [call.result((rows, columns), a.dtype if call.optional(7) is not None else 1)]


@node("QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "QLinearAveragePool",
      "QLinearGlobalAveragePool", "QLinearConcat", domain=MS)  # fmt: skip
def quantized_elementwise(call: Call) -> list[Value]:
    """8-bit work value by value."""
    data, kind = call.value(1 if call.node.op_type == "QLinearConcat" else 0), call.node.op_type
    if kind in ("QLinearAdd", "QLinearMul") and call.value(3).elements > data.elements:
        data = call.value(3)
    shape = data.shape
    if kind == "QLinearGlobalAveragePool":
        shape = (*shape[:2], *(1,) * (len(shape) - 2))
    elif kind in ("QLinearAveragePool", "QLinearConcat"):
        declared = call.walk.declared(call)
        if declared is not None:
            shape = declared
    output = call.result(shape, data.dtype)
    call.move([output], parameters=False)
    return [output]


@node("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "SimplifiedLayerNormalization", domain=MS)
def skip_normalization(call: Call) -> list[Value]:
    """A normalisation of a sum; the sum is the fourth output."""
    shape = call.value(0).shape
    output = call.result(shape)
    call.move([output], keeps_inputs=True)
    reduced = call.result((*shape[:-1], 1), 1)
    return [output, reduced, reduced, call.result(shape)]


NODES["", "SimplifiedLayerNormalization"] = skip_normalization


@node("EmbedLayerNormalization", domain=MS)
def embed(call: Call) -> list[Value]:
    """Word, position and segment tables, then a normalisation."""
    tokens, table = call.value(0), call.value(2)
    if table.rank != 2:
        raise call.fail(f"its table has shape {shown(table.shape)}")
    output = call.result((*tokens.shape, table.shape[1]), table.dtype)
    for index, name in ((2, "word"), (3, "position"), (4, "segment")):
        weights = call.claim(index)
        if weights and (found := call.value(index)).rank == 2:
            call.emit(Embedding(name=name, rows=found.shape[0], width=found.shape[1], positions=tokens.elements,
                                native_format=weights[0].format))  # fmt: skip
    call.placed.stored("normalization", call.claim(5, 6), elements=2 * output.elements)
    return [output, call.result(tokens.shape[:1], INT32), call.result(output.shape)]


@node("Attention", "QAttention", domain=MS)
def packed_attention(call: Call) -> list[Value]:
    """Query, key and value projections in one product, then attention."""
    data, weight = call.value(0), call.value(1)
    if data.rank != 3 or weight.rank != 2:
        raise call.fail(f"input has shape {shown(data.shape)} and weights {shown(weight.shape)}")
    batch, steps, width = data.shape
    sizes = call.integers("qkv_hidden_sizes", count=None) or [weight.shape[1] // 3] * 3
    heads = call.integer("num_heads", least=1)
    if len(sizes) != 3 or any(size < heads for size in sizes):
        raise call.fail(f"qkv_hidden_sizes is {shown(sizes)} for {heads} heads")
    matrix_product(call, 0, 1, 1, batch * steps, width, weight.shape[1], (2,))
    emit_attention(call, batch, heads, heads, steps, steps, sizes[1] // heads, sizes[2] // heads)
    return [call.result((batch, steps, sizes[2])), call.result((2, batch, heads, steps, sizes[1] // heads))]


@node("MultiHeadAttention", "GroupQueryAttention", "PagedAttention", domain=MS)
def headed_attention(call: Call) -> list[Value]:
    """Query, key, value with heads in the last axis; key and value may be packed with the query, or cached."""
    query, key, value = call.value(0), call.optional(1), call.optional(2)
    heads = call.integer("num_heads", least=1)
    grouped = call.node.op_type != "MultiHeadAttention"
    kv_heads = call.integer("kv_num_heads", heads, least=1) if grouped else heads
    if query.rank not in (3, 5):
        raise call.fail(f"query has shape {shown(query.shape)}; expected batch, steps and features")
    batch, steps = query.shape[:2]
    packed = key is None or not key.elements
    if query.rank == 5:
        width = query.shape[4]
    elif packed:
        width = query.shape[2] // (heads + 2 * kv_heads)
    else:
        width = query.shape[2] // heads
    keys, value_width = steps, width
    if key is not None and not packed:
        keys = key.shape[2] if key.rank == 4 else key.shape[1]
        if value is not None and value.elements:
            value_width = value.shape[-1] if value.rank == 4 else value.shape[-1] // kv_heads
    past = call.optional(3 if grouped else 6)
    total = keys + (past.shape[2] if past is not None and past.rank == 4 else 0)
    emit_attention(call, batch, heads, kv_heads, steps, total, width, value_width, query.keep())
    if bias := [
        w
        for index in range(3, len(call.inputs))
        if (one := call.optional(index)) is not None and one.constant and one.rank == 1 and one.elements > 1
        for w in one.weights
        if not w.claimed
    ]:
        call.placed.stored("bias", bias)
    cached = [call.result((batch, kv_heads, total, size)) for size in (width, value_width)]
    return [call.result((batch, steps, heads * value_width)), *cached]


@node("RotaryEmbedding", "GemmaRotaryEmbedding", domain=MS)
def rotary(call: Call) -> list[Value]:
    """Turns pairs of values by angles of their position."""
    output = call.result(call.value(0).shape)
    call.move([output], parameters=False)
    return [output]


@node("BiasAdd", "BiasDropout", "BitmaskDropout", "Inverse", "Trilu", domain=MS)
def alike(call: Call) -> list[Value]:
    """One value for each."""
    output = call.result(call.value(0).shape)
    call.move([output])
    return [output]


@node("MoE", "QMoE", domain=MS)
def mixture(call: Call) -> list[Value]:
    """Experts of two or three products: input, router scores, then weights with the experts in front."""
    from advisor.operators import ExpertMatMul

    data, router = call.value(0), call.value(1)
    if len(router.shape) != 2 or not data.shape:
        raise call.fail(f"router scores have shape {shown(router.shape)}")
    rows, experts = math.prod(data.shape[:-1]), router.shape[1]
    chosen = min(call.integer("k", 1, least=1), experts)
    width = data.shape[-1]
    quantized = call.node.op_type == "QMoE"
    pack = 8 // max(call.integer("expert_weight_bits", 4, least=1), 1) if quantized else 1
    for index in (2, 5, 8) if quantized else (2, 4, 6):
        weight = call.optional(index)
        if weight is None or weight.rank != 3 or weight.shape[0] != experts:
            continue
        size = weight.elements * max(pack, 1) // max(experts, 1)
        down = index == (5 if quantized else 4)
        inner = size // width if down else width
        held = call.claim(index)
        if held and inner:
            fmt = ("int4" if pack > 1 else "int8") if quantized else held[0].format
            call.emit(ExpertMatMul(name=("gate_up", "down", "up")[(index - 2) // (3 if quantized else 2)], inputs=inner,
                                   outputs=size // inner, experts=experts, experts_per_unit=chosen, positions=rows,
                                   native_format=fmt))  # fmt: skip
    rest = [w for value in call.inputs[3:] if value is not None and value.constant and not quantized
            for w in value.weights if not w.claimed]  # fmt: skip
    if rest:
        call.placed.stored("bias", rest)
    output = call.result(data.shape)
    call.emit(Elementwise(name="routing", elements=2 * data.elements * chosen))
    return [output]
