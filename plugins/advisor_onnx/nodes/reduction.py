"""Reductions over axes."""

from __future__ import annotations

from advisor_onnx.call import Call, axes_or_all
from advisor_onnx.kinds import INT64
from advisor_onnx.nodes import node
from advisor_onnx.values import Shape, Value


def reduced(shape: Shape, axes: list[int], keep: bool) -> Shape:
    """The shape without ``axes``, or with 1 in their place."""
    if keep:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


@node("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
      "ReduceSum", "ReduceSumSquare")  # fmt: skip
def reduce(call: Call) -> list[Value]:
    """Axes are an attribute, or an input since opset 13 to 18; none means all, or nothing if the node says so."""
    data = call.value(0)
    axes = call.integers("axes", 1)
    given = call.optional(1)
    if given is not None and given.data is None and given.elements:
        declared = call.walk.declared(call)
        call.walk.note(f"node {call.placed.name!r:.80}: the axes it reduces are computed; all are taken")
        shape = declared if declared is not None else reduced(data.shape, list(range(data.rank)), True)
    elif not axes and call.integer("noop_with_empty_axes", 0):
        shape = data.shape
    else:
        shape = reduced(data.shape, axes_or_all(call, axes, data.rank), bool(call.integer("keepdims", 1)))
    output = call.result(shape)
    call.move([output], keeps_inputs=call.node.op_type not in ("ReduceSum", "ReduceMean"))
    return [output]


@node("ArgMax", "ArgMin")
def position(call: Call) -> list[Value]:
    """Where the largest or smallest is."""
    data = call.value(0)
    axis = call.axis(call.integer("axis", 0), data.rank)
    output = call.result(reduced(data.shape, [axis], bool(call.integer("keepdims", 1))), INT64)
    call.move([output])
    return [output]


@node("TopK")
def largest(call: Call) -> list[Value]:
    """The largest values along an axis, and where they are."""
    data = call.value(0)
    axis = call.axis(call.integer("axis", -1), data.rank)
    count = [call.attributes["k"]] if "k" in call.attributes else call.data(1)
    if not count:
        call.walk.note(f"node {call.placed.name!r:.80}: how many it takes is computed; all are taken")
    size = data.shape[axis] if not count else count[0]
    if not isinstance(size, int):
        raise call.fail("attribute k is not a whole number")
    shape = (*data.shape[:axis], min(max(size, 0), data.shape[axis]), *data.shape[axis + 1 :])
    outputs = [call.result(shape), call.result(shape, INT64)]
    call.move(outputs)
    return outputs


@node("Det")
def determinant(call: Call) -> list[Value]:
    """Of each square matrix in the last two axes."""
    shape = call.value(0).shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise call.fail(f"input has shape {shape}; expected square matrices")
    output = call.result(shape[:-2])
    call.move([output], keeps_inputs=True)
    return [output]
