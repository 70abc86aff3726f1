"""Images: resizing, sampling at a grid, decoding."""

from __future__ import annotations

import math
from fractions import Fraction

from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import UINT8
from advisor_onnx.nodes import node
from advisor_onnx.nodes.creation import stated_shape
from advisor_onnx.values import Value

#: Input values an output value is made of, an axis.
_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}


@node("Resize", "Upsample")
def resize(call: Call) -> list[Value]:
    """By scales or to sizes: x, scales (opset 10); x, region, scales, sizes (opset 11)."""
    data = call.value(0)
    shape = list(data.shape)
    early = call.node.op_type == "Upsample" or len(call.inputs) == 2
    scales_at = 1 if early else 2
    axes = [call.axis(axis, data.rank) for axis in call.integers("axes") or range(data.rank)]
    sizes = call.data(3)
    found = call.optional(scales_at)
    scales = [float(one) for one in found.data.reshape(-1)] if found is not None and found.data is not None else []
    if isinstance(call.attributes.get("scales"), list):
        scales = [float(scale) for scale in call.attributes["scales"] if isinstance(scale, (int, float))]
    elif call.node.op_type == "Upsample" and "height_scale" in call.attributes:
        scales = [1.0, 1.0, call.number("height_scale", 1.0), call.number("width_scale", 1.0)]
    if sizes:
        if len(sizes) != len(axes):
            raise call.fail(f"has sizes {shown(sizes)} for {len(axes)} axes")
        _resize_to(call, shape, axes, sizes)
    elif scales:
        if len(scales) != len(axes) or not all(0 < scale < 1e9 and math.isfinite(scale) for scale in scales):
            raise call.fail(f"has scales {shown(scales)} for {len(axes)} axes")
        for axis, scale in zip(axes, scales, strict=True):
            shape[axis] = _scaled(shape[axis], scale)
    else:
        declared = call.walk.declared(call)
        if declared is None:
            raise call.fail("its sizes are computed from data; export the model with fixed shapes")
        shape = list(declared)
    output = call.result(shape)
    changed = sum(after != before for after, before in zip(shape, data.shape, strict=False))
    taps = _TAPS.get(call.text("mode", "nearest"), 1) ** changed
    read = min(data.elements, output.elements) if taps == 1 else data.elements
    call.move([output], read=read, parameters=False)
    return [output]


def _resize_to(call: Call, shape: list[int], axes: list[int], sizes: list[int]) -> None:
    """Set sizes; a policy other than ``stretch`` keeps the ratio of the axes."""
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        for axis, size in zip(axes, sizes, strict=True):
            shape[axis] = size
        return
    ratios = [Fraction(size, max(shape[axis], 1)) for axis, size in zip(axes, sizes, strict=True)]
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    for axis in axes:
        shape[axis] = math.floor(ratio * shape[axis] + Fraction(1, 2))


def _scaled(size: int, scale: float) -> int:
    """The size times the scale as a 32-bit float, cut off."""
    return math.floor(size * scale * (1 + 1e-7))


@node("GridSample")
def sample(call: Call) -> list[Value]:
    """Values at positions of a grid."""
    image, grid = call.value(0), call.value(1)
    output = call.result((*image.shape[:2], *grid.shape[1:-1]))
    taps = _TAPS.get(call.text("mode", "linear"), 2) ** max(image.rank - 2, 1)
    call.move([output], read=output.elements * taps + grid.elements, keeps_inputs=True)
    return [output]


@node("AffineGrid")
def grid(call: Call) -> list[Value]:
    """Positions of a grid that is turned and moved."""
    sizes = stated_shape(call, 1)
    if len(sizes) not in (4, 5):
        raise call.fail(f"size is {shown(sizes)}; expected batch, channels and two or three axes")
    output = call.result((sizes[0], *sizes[2:], len(sizes) - 2))
    call.move([output])
    return [output]


@node("ImageDecoder")
def decode(call: Call) -> list[Value]:
    """An image out of a compressed stream: as large as the file declares."""
    declared = call.walk.declared(call)
    size = int(call.walk.dimensions.defaults["image"])
    call.walk.note(f"node {shown(call.placed.name)}: taken to decode an image of {size} x {size}")
    return [Value(declared or (size, size, 3), UINT8)]
