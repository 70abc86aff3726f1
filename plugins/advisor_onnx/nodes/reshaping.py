"""Nodes that see or move a tensor in another shape."""

from __future__ import annotations

import math

from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.nodes import node
from advisor_onnx.nodes.creation import stated_shape
from advisor_onnx.values import Shape, Value, broadcast


def view(call: Call, shape: Shape) -> list[Value]:
    """The first input in another shape, at no cost."""
    data = call.value(0)
    if math.prod(shape) != data.elements:
        raise call.fail(f"{data.elements} values of shape {shown(data.shape)} do not fit shape {shown(shape)}")
    return [data.viewed(shape)]


@node("Reshape")
def reshape(call: Call) -> list[Value]:
    """Sizes may be 0 (as before) and, once, -1 (what is left)."""
    data = call.value(0)
    wanted = call.integers("shape") if "shape" in call.attributes else None
    sizes = list(stated_shape(call, 1) if wanted is None else wanted)
    if not call.integer("allowzero", 0):
        for axis, size in enumerate(sizes):
            if size == 0:
                if axis >= data.rank:
                    raise call.fail(f"keeps axis {axis} of shape {shown(data.shape)}")
                sizes[axis] = data.shape[axis]
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise call.fail(f"shape is {shown(sizes)}; expected sizes with at most one -1")
    if -1 in sizes:
        rest = math.prod(size for size in sizes if size != -1)
        if rest == 0 or data.elements % rest:
            raise call.fail(f"{data.elements} values do not fit shape {shown(sizes)}")
        sizes[sizes.index(-1)] = data.elements // rest
    return view(call, tuple(sizes))


@node("Flatten")
def flatten(call: Call) -> list[Value]:
    """Two axes: those before ``axis`` and those from it on."""
    shape = call.value(0).shape
    axis = call.axis(call.integer("axis", 1), len(shape), end=True) if call.integer("axis", 1) >= 0 else \
        call.axis(call.integer("axis", 1), len(shape))  # fmt: skip
    return view(call, (math.prod(shape[:axis]), math.prod(shape[axis:])))


@node("Squeeze")
def squeeze(call: Call) -> list[Value]:
    """Leaves out axes of size 1."""
    shape = call.value(0).shape
    axes = {call.axis(axis, len(shape)) for axis in call.integers("axes", 1)}
    if not axes:
        axes = {axis for axis, size in enumerate(shape) if size == 1}
    return view(call, tuple(size for axis, size in enumerate(shape) if axis not in axes))


@node("Unsqueeze")
def unsqueeze(call: Call) -> list[Value]:
    """Adds axes of size 1."""
    shape = list(call.value(0).shape)
    axes = call.integers("axes", 1)
    rank = len(shape) + len(axes)
    for axis in sorted(call.axis(axis, rank) for axis in axes):
        shape.insert(axis, 1)
    return view(call, tuple(shape))


@node("Transpose")
def transpose(call: Call) -> list[Value]:
    """Axes in another order."""
    data = call.value(0)
    order = call.integers("perm") or list(range(data.rank))[::-1]
    if sorted(order) != list(range(data.rank)):
        raise call.fail(f"attribute perm is {shown(order)} for shape {shown(data.shape)}")
    output = call.result([data.shape[axis] for axis in order])
    output.weights = data.weights
    call.move([output])
    return [output]


@node("Concat")
def concatenate(call: Call) -> list[Value]:
    """Tensors one after the other along an axis."""
    shapes = [value.shape for value in call.present]
    if not shapes:
        raise call.fail("has no inputs")
    axis = call.axis(call.integer("axis", 1), len(shapes[0]))
    for shape in shapes:
        if len(shape) != len(shapes[0]) or shape[:axis] + shape[axis + 1 :] != shapes[0][:axis] + shapes[0][axis + 1 :]:
            raise call.fail(f"joins shapes {shown(shapes[0])} and {shown(shape)} along axis {axis}")
    output = call.result((*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :]))
    call.move([output])
    return [output]


@node("Split")
def split(call: Call) -> list[Value]:
    """Parts of stated sizes, or equal ones."""
    shape = call.value(0).shape
    axis = call.axis(call.integer("axis", 0), len(shape))
    sizes = call.integers("split", 1)
    count = len(call.node.outputs)
    if not sizes:
        each = -(-shape[axis] // max(count, 1))
        sizes = [max(0, min(each, shape[axis] - place * each)) for place in range(count)]
    if any(size < 0 for size in sizes) or sum(sizes) != shape[axis] or len(sizes) < count:
        raise call.fail(f"cuts axis {axis} of shape {shown(shape)} into {shown(sizes)}")
    outputs = [call.result((*shape[:axis], size, *shape[axis + 1 :])) for size in sizes[:count]]
    call.move(outputs)
    return outputs


@node("Expand")
def expand(call: Call) -> list[Value]:
    """Repeats axes of size 1: no move of a constant."""
    output = call.result(broadcast(call.value(0).shape, stated_shape(call, 1)))
    call.move([output])
    return [output]


@node("Tile")
def tile(call: Call) -> list[Value]:
    """Repeats along each axis."""
    shape, times = call.value(0).shape, call.data(1)
    if times is not None and len(call.node.inputs) == 3:  # opset 1: how often, and along which axis
        axis = (call.data(2) or [0])[0]
        times = [times[0] if place == call.axis(axis, len(shape)) else 1 for place in range(len(shape))]
    if times is None:
        sizes = stated_shape(call, 1)
    elif len(times) != len(shape):
        raise call.fail(f"repeats shape {shown(shape)} {shown(times)} times")
    else:
        sizes = tuple(size * count for size, count in zip(shape, times, strict=True))
    output = call.result(sizes)
    call.move([output])
    return [output]


@node("Pad")
def pad(call: Call) -> list[Value]:
    """Adds a border before and behind each axis, or each of the axes named."""
    shape = list(call.value(0).shape)
    pads = call.integers("pads", 1) or call.integers("paddings")
    axes = [call.axis(axis, len(shape)) for axis in call.data(3) or range(len(shape))]
    if not pads:
        output = call.result(call.walk.declared(call) or shape)
        call.walk.note(f"node {shown(call.placed.name)}: its padding is computed from data; taken as declared, or none")
    else:
        if len(pads) != 2 * len(axes):
            raise call.fail(f"pads {len(axes)} axes with {shown(pads)}")
        for place, axis in enumerate(axes):
            shape[axis] += pads[place] + pads[len(axes) + place]
        output = call.result(shape)
    call.move([output])
    return [output]


@node("DepthToSpace", "SpaceToDepth")
def blocks(call: Call) -> list[Value]:
    """Moves blocks of pixels to channels, or back."""
    shape = call.value(0).shape
    size = call.integer("blocksize", least=1)
    if len(shape) != 4:
        raise call.fail(f"input has shape {shown(shape)}; expected batch, channels, height and width")
    batch, channels, height, width = shape
    if call.node.op_type == "DepthToSpace":
        sizes = (batch, channels // size**2, height * size, width * size)
    else:
        sizes = (batch, channels * size**2, height // size, width // size)
    output = call.result(sizes)
    call.move([output])
    return [output]


@node("CenterCropPad")
def crop(call: Call) -> list[Value]:
    """Cuts or pads axes to stated sizes."""
    shape = list(call.value(0).shape)
    axes = [call.axis(axis, len(shape)) for axis in call.integers("axes") or range(len(shape))]
    for axis, size in zip(axes, stated_shape(call, 1), strict=False):
        shape[axis] = size
    output = call.result(shape)
    call.move([output])
    return [output]


@node("Col2Im")
def columns_to_image(call: Call) -> list[Value]:
    """Adds blocks of columns up to an image."""
    shape, image, block = call.value(0).shape, stated_shape(call, 1), call.data(2)
    if len(shape) != 3 or not block or not math.prod(block):
        raise call.fail(f"input has shape {shown(shape)} and blocks {shown(block)}")
    output = call.result((shape[0], shape[1] // math.prod(block), *image))
    call.move([output])
    return [output]
