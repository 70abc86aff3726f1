"""Nodes that make a tensor out of attributes or sizes."""

from __future__ import annotations

import math

import numpy as np

from advisor_onnx.call import Call
from advisor_onnx.document import Tensor
from advisor_onnx.errors import shown
from advisor_onnx.kinds import FLOAT, INT64, STRING
from advisor_onnx.nodes import node
from advisor_onnx.values import MOST_KNOWN, Value, known


@node("Constant")
def constant(call: Call) -> list[Value]:
    """A tensor or number written into the graph."""
    found = call.attributes
    for name in ("value", "sparse_value"):
        if isinstance(found.get(name), Tensor):
            return [call.walk.literal(found[name])]
    for name, dtype in (("value_float", FLOAT), ("value_int", INT64), ("value_floats", FLOAT), ("value_ints", INT64)):
        if name in found:
            entries = found[name]
            if not isinstance(entries, (int, float, list)) or (
                isinstance(entries, list) and not all(isinstance(one, (int, float)) for one in entries)
            ):
                raise call.fail(f"attribute {name} is {shown(entries)}; expected numbers")
            try:
                data = np.array(entries, dtype=np.float64 if dtype == FLOAT else np.int64)
            except (OverflowError, ValueError):
                raise call.fail(f"attribute {name} is {shown(entries)}; expected numbers") from None
            value = known(data, dtype)
            if data.size > MOST_KNOWN:
                value.data = None
            return [value]
    for name in ("value_string", "value_strings"):
        if name in found:
            several = found[name] if isinstance(found[name], list) else None
            return [Value(() if several is None else (len(several),), STRING, constant=True)]
    raise call.fail("has no value")


@node("Shape")
def shape(call: Call) -> list[Value]:
    """Sizes of the axes, or of a range of them."""
    sizes = call.value(0).shape
    return [known(np.array(sizes[slice(call.attributes.get("start", 0), call.attributes.get("end"))], dtype=np.int64))]


@node("Size")
def size(call: Call) -> list[Value]:
    """Number of values."""
    return [known(np.array(call.value(0).elements, dtype=np.int64))]


def stated_shape(call: Call, index: int) -> tuple[int, ...]:
    """The shape in an input; where it is computed from data, what the file declares for the output."""
    sizes = call.data(index)
    if sizes is None:
        declared = call.walk.declared(call)
        if declared is None:
            raise call.fail("its shape is computed from data; export the model with fixed shapes, or run a shape "
                            "inference that writes them into the file")  # fmt: skip
        return declared
    return tuple(sizes)


@node("ConstantOfShape")
def filled(call: Call) -> list[Value]:
    """A tensor of one value."""
    tensor = call.attributes.get("value")
    fill = call.walk.store.value(tensor) if isinstance(tensor, Tensor) else known(np.zeros(1), FLOAT)
    sizes = stated_shape(call, 0)
    output = Value(sizes, fill.dtype, constant=True)
    if output.elements <= MOST_KNOWN and fill.data is not None and fill.elements == 1:
        output.data = np.full(sizes, fill.data.reshape(-1)[0])
    return [output]


@node("Range")
def counted(call: Call) -> list[Value]:
    """Numbers from start to limit."""
    ends = [call.value(index).data for index in range(3)]
    if any(data is None or data.size != 1 for data in ends):
        declared = call.walk.declared(call)
        if declared is None:
            raise call.fail("its limits are computed from data; export the model with fixed shapes")
        return [call.result(declared)]
    start, limit, step = (float(data.reshape(-1)[0]) for data in ends if data is not None)
    if step == 0 or not all(map(math.isfinite, (start, limit, step))):
        raise call.fail(f"counts from {start} to {limit} in steps of {step}")
    return [call.result((max(0, math.ceil((limit - start) / step)),))]


@node("RandomNormal", "RandomUniform")
def random(call: Call) -> list[Value]:
    """Random numbers of a shape."""
    output = Value(tuple(call.integers("shape", least=0)), call.integer("dtype", FLOAT))
    return [output]


@node("RandomNormalLike", "RandomUniformLike", "EyeLike")
def alike(call: Call) -> list[Value]:
    """Numbers in the shape of another tensor."""
    first = call.value(0)
    output = Value(
        first.shape, call.integer("dtype", first.dtype), constant=call.node.op_type == "EyeLike" and first.constant
    )
    return [output]


@node("Multinomial")
def multinomial(call: Call) -> list[Value]:
    """Samples from each row's distribution."""
    rows = call.value(0).shape
    output = Value((*rows[:1], call.integer("sample_size", 1, least=0)), call.integer("dtype", 6))
    call.move([output])
    return [output]
