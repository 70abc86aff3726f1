"""Quantization: the stored tensor stays the weight, scales and zero points are counted apart."""

from __future__ import annotations

from advisor_onnx.call import Call
from advisor_onnx.kinds import FLOAT, UINT8
from advisor_onnx.nodes import node
from advisor_onnx.values import Value


@node("DequantizeLinear")
def dequantize(call: Call) -> list[Value]:
    """From small integers or floats to floats; of a weight this is done on the fly, and moves nothing."""
    data, scale = call.value(0), call.value(1)
    output = call.result(data.shape, call.integer("output_dtype", 0) or scale.dtype)
    if call.constant:
        output.weights = data.weights
        call.walk.scale_values += sum(value.elements for value in call.present[1:])
    else:
        call.move([output], parameters=False)
    return [output]


@node("QuantizeLinear")
def quantize(call: Call) -> list[Value]:
    """From floats to small integers or floats."""
    data, zero = call.value(0), call.optional(2)
    stated = call.integer("output_dtype", 0)
    output = call.result(data.shape, stated or (zero.dtype if zero is not None else UINT8))
    if call.constant:
        output.weights = data.weights
    else:
        call.move([output], parameters=False)
    return [output]


@node("DynamicQuantizeLinear")
def quantize_dynamically(call: Call) -> list[Value]:
    """Scale and zero point are found from the values."""
    output = call.result(call.value(0).shape, UINT8)
    call.move([output])
    return [output, call.result((), FLOAT), call.result((), UINT8)]
