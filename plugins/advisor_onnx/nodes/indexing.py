"""Slices, look-ups, and nodes whose output size depends on data."""

from __future__ import annotations

import math

import numpy as np

from advisor.operators import Elementwise, Embedding
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import BOOL, INT64
from advisor_onnx.nodes import node
from advisor_onnx.values import Value


@node("Slice")
def cut(call: Call) -> list[Value]:
    """Ranges of axes; starts and ends are attributes before opset 10."""
    data = call.value(0)
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    if any((bound := call.optional(index)) is not None and bound.data is None for index in (1, 2, 3, 4)):
        declared = call.walk.declared(call)
        call.walk.note(
            f"node {shown(call.placed.name)}: what it cuts out is computed from data; taken as declared, or whole"
        )
        output = call.result(data.shape if declared is None else declared)
        call.move([output], read=output.elements)
        return [output]
    axes = call.integers("axes", 3) or list(range(len(starts)))
    steps = call.integers("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise call.fail(f"cuts axes {shown(axes)} from {shown(starts)} to {shown(ends)} in steps {shown(steps)}")
    cuts = [slice(None)] * data.rank
    shape = list(data.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = call.axis(axis, data.rank)
        size = shape[place]
        first, last = (max(-size - 1, min(bound, size)) for bound in (start, end))
        stop = None if step < 0 and last + (size if last < 0 else 0) < 0 else last
        cuts[place] = slice(first, stop, step)
        shape[place] = len(range(*cuts[place].indices(size)))
    output = call.result(shape)
    if data.data is not None:
        output.data = data.data[tuple(cuts)]
    call.move([output], read=output.elements)
    return [output]


@node("Gather")
def gather(call: Call) -> list[Value]:
    """Entries along an axis: of a stored table, an embedding."""
    data, indices = call.value(0), call.value(1)
    axis = call.axis(call.integer("axis", 0), data.rank)
    output = call.result((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]), data.dtype)
    if call.constant:
        output.weights = data.weights
        return [output]
    rows, width = data.shape[axis], data.elements // max(data.shape[axis], 1)
    if not data.constant:
        call.move([output], read=output.elements)
        return [output]
    weights = call.claim(0)
    total, formats = sum(weight.elements for weight in weights), {weight.format for weight in weights}
    if total == rows * width and len(formats) == 1:
        call.emit(
            Embedding(name="table", rows=rows, width=width, positions=indices.elements, native_format=formats.pop())
        )
    else:  # read again, or a part of what is stored
        call.emit(Elementwise(name="table", elements=2 * output.elements))
        if weights:
            call.placed.stored("weights", weights)
    return [output]


@node("GatherElements")
def gather_elements(call: Call) -> list[Value]:
    """One entry for each index."""
    output = call.result(call.value(1).shape, call.value(0).dtype)
    call.move([output], read=2 * output.elements)
    return [output]


@node("GatherND")
def gather_blocks(call: Call) -> list[Value]:
    """Blocks that the last axis of the indices names."""
    data, indices = call.value(0), call.value(1)
    batch = call.integer("batch_dims", 0, least=0)
    if not indices.shape or indices.shape[-1] + batch > data.rank:
        raise call.fail(f"indices of shape {shown(indices.shape)} do not fit {shown(data.shape)}")
    output = call.result((*indices.shape[:-1], *data.shape[batch + indices.shape[-1] :]), data.dtype)
    call.move([output], read=output.elements)
    return [output]


@node("OneHot")
def one_hot(call: Call) -> list[Value]:
    """An axis with a mark at each index."""
    indices, depth, values = call.value(0), call.data(1), call.value(2)
    axis = call.axis(call.integer("axis", -1), indices.rank + 1)
    declared = call.walk.declared(call)
    if not depth and declared is None:
        raise call.fail("its depth is computed from data; export the model with fixed shapes")
    shape = list(indices.shape)
    shape.insert(axis, depth[0] if depth else (declared or shape)[axis])
    output = call.result(shape, values.dtype)
    call.move([output])
    return [output]


def _most(call: Call, what: str) -> None:
    call.walk.note(f"node {shown(call.placed.name)}: how many {what} it finds depends on data; the most is taken")


@node("NonZero")
def non_zero(call: Call) -> list[Value]:
    """Indices of what is not zero: at most all."""
    data = call.value(0)
    if data.data is not None:
        found = np.array(np.nonzero(np.atleast_1d(data.data)), dtype=np.int64)
        return [Value(tuple(found.shape), INT64, found, constant=True)]
    _most(call, "entries")
    output = call.result((max(data.rank, 1), data.elements), INT64)
    call.move([output])
    return [output]


@node("Compress")
def compress(call: Call) -> list[Value]:
    """Entries where a condition holds: at most all."""
    data, condition = call.value(0), call.value(1)
    count = condition.elements
    if condition.data is not None:
        count = int(np.count_nonzero(condition.data))
    else:
        _most(call, "entries")
    if "axis" not in call.attributes:
        shape: tuple[int, ...] = (min(count, data.elements),)
    else:
        axis = call.axis(call.integer("axis", 0), data.rank)
        shape = (*data.shape[:axis], min(count, data.shape[axis]), *data.shape[axis + 1 :])
    output = call.result(shape)
    call.move([output])
    return [output]


@node("Unique")
def unique(call: Call) -> list[Value]:
    """Different values: at most all."""
    data = call.value(0)
    _most(call, "values")
    if "axis" in call.attributes:
        size = data.shape[call.axis(call.integer("axis", 0), data.rank)]
        shape = data.shape
    else:
        size, shape = data.elements, (data.elements,)
    outputs = [call.result(shape), *(call.result((size,), INT64) for _ in range(3))]
    call.move(outputs[:1])
    return outputs


@node("NonMaxSuppression")
def suppress(call: Call) -> list[Value]:
    """Boxes that no better one overlaps: at most a stated number a class."""
    boxes, scores, most = call.value(0), call.value(1), call.data(2)
    if boxes.rank != 3 or scores.rank != 3:
        raise call.fail(f"boxes have shape {shown(boxes.shape)} and scores {shown(scores.shape)}")
    _most(call, "boxes")
    each = boxes.shape[1] if not most else min(max(most[0], 0), boxes.shape[1])
    output = call.result((math.prod(scores.shape[:2]) * each, 3), INT64)
    call.move([output])
    return [output]


@node("BitCast")
def bit_cast(call: Call) -> list[Value]:
    """The same bits as another type."""
    return [call.result(call.value(0).shape, call.integer("to", BOOL))]
