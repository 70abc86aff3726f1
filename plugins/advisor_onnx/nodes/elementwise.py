"""Operators that work value by value."""

from __future__ import annotations

from advisor_onnx.call import Call
from advisor_onnx.kinds import BOOL, FLOAT
from advisor_onnx.nodes import node
from advisor_onnx.values import Value, broadcast


@node("Relu", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Elu", "Selu", "Celu", "LeakyRelu", "Exp", "Sqrt",
      "Reciprocal", "HardSigmoid", "Clip", "ThresholdedRelu", "Softplus", "Hardmax")  # fmt: skip
def from_output(call: Call) -> list[Value]:
    """The derivative follows from the output."""
    output = call.result(call.value(0).shape)
    call.move([output], keeps_output=True)
    return [output]


@node("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Sin", "Sinh", "Tan", "Erf", "Gelu",
      "HardSwish", "Log", "Mish", "Softsign", "Swish", "Shrink", "PRelu", "BitShift", "LpNormalization",
      "MeanVarianceNormalization", "LRN", "CumProd")  # fmt: skip
def from_input(call: Call) -> list[Value]:
    """The derivative needs the input."""
    output = call.result(call.value(0).shape)
    call.move([output], keeps_inputs=True)
    return [output]


@node("Ceil", "Floor", "Round", "Sign", "Neg", "BitwiseNot", "CumSum", "Trilu", "ReverseSequence", "Bernoulli",
      "Scatter", "ScatterElements", "ScatterND", "TensorScatter")  # fmt: skip
def plain(call: Call) -> list[Value]:
    """The gradient needs nothing."""
    output = call.result(
        call.value(0).shape, call.attributes.get("dtype") if call.node.op_type == "Bernoulli" else None
    )
    call.move([output])
    return [output]


@node("Not", "IsInf", "IsNaN", "RegexFullMatch")
def tested(call: Call) -> list[Value]:
    """A truth value for each."""
    output = call.result(call.value(0).shape, BOOL)
    call.move([output])
    return [output]


@node("Cast", "CastLike")
def cast(call: Call) -> list[Value]:
    """Another element type: no move of a constant."""
    like = call.optional(1)
    dtype = call.integer("to", FLOAT) if like is None else like.dtype
    output = call.result(call.value(0).shape, dtype)
    if not call.constant:
        call.move([output], read=call.value(0).elements)
    elif call.value(0).weights:
        output.weights = call.value(0).weights
    return [output]


@node("Identity", "Dropout")
def identity(call: Call) -> list[Value]:
    """Nothing happens outside training."""
    first = call.value(0)
    if call.node.op_type == "Identity":
        return [first]
    return [first, call.result(first.shape, BOOL)]


@node("Add", "Sub")
def sums(call: Call) -> list[Value]:
    """Sum or difference; the sum of a product and a vector of stored values is the product's bias."""
    output = call.result(broadcast(call.value(0).shape, call.value(1).shape))
    if call.node.op_type == "Add" and not call.constant:
        for product, bias in ((call.value(0), call.value(1)), (call.value(1), call.value(0))):
            if product.product is None or product.uses != 1 or not bias.constant or output.shape != product.shape:
                continue
            weights = [weight for weight in bias.weights if not weight.claimed]
            across = bias.rank > 0 and bias.shape[-1] == bias.elements
            if across and len(weights) == len(bias.weights) and product.product.take_bias(weights):
                return [output]
    call.move([output])
    return [output]


@node("Mul", "Div", "Pow", "Mod", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Max", "Min", "Mean",
      "Sum", "StringConcat")  # fmt: skip
def joined(call: Call) -> list[Value]:
    """Several tensors, broadcast to one shape."""
    present = call.present
    if not present:
        raise call.fail("has no inputs")
    output = call.result(broadcast(*(value.shape for value in present)))
    call.move([output], keeps_inputs=call.node.op_type in ("Mul", "Div", "Pow"))
    return [output]


@node("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
def compared(call: Call) -> list[Value]:
    """Truth values."""
    output = call.result(broadcast(call.value(0).shape, call.value(1).shape), BOOL)
    call.move([output])
    return [output]


@node("Where")
def where(call: Call) -> list[Value]:
    """Values of one tensor or another."""
    output = call.result(broadcast(*(call.value(index).shape for index in range(3))), call.value(1).dtype)
    call.move([output])
    return [output]


@node("SwiGLU")
def gated(call: Call) -> list[Value]:
    """One input through an activation, times the other."""
    output = call.result(broadcast(call.value(0).shape, call.value(1).shape))
    call.move([output], keeps_inputs=True)
    return [output]
