"""Pooling."""

from __future__ import annotations

import math

from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import INT64
from advisor_onnx.nodes import node
from advisor_onnx.nodes.convolution import window_sizes
from advisor_onnx.values import Value


@node("MaxPool", "AveragePool", "LpPool")
def pool(call: Call) -> list[Value]:
    """The largest, mean or norm of each window."""
    image = call.value(0)
    spatial = image.shape[2:]
    kernel = tuple(call.integers("kernel_shape", count=len(spatial), least=1))
    if image.rank < 3 or len(kernel) != len(spatial):
        raise call.fail(f"input has shape {shown(image.shape)} and the window {shown(kernel)}")
    output = call.result((*image.shape[:2], *window_sizes(call, spatial, kernel, bool(call.integer("ceil_mode", 0)))))
    call.move([output], keeps_inputs=call.node.op_type != "AveragePool")
    return [output, call.result(output.shape, INT64)]


@node("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool")
def pool_all(call: Call) -> list[Value]:
    """One window over the whole image."""
    image = call.value(0)
    output = call.result((*image.shape[:2], *(1,) * (image.rank - 2)))
    call.move([output])
    return [output]


@node("MaxUnpool")
def unpool(call: Call) -> list[Value]:
    """Puts values back where the largest were found."""
    image = call.value(0)
    rank = image.rank - 2
    kernel = call.integers("kernel_shape", count=rank, least=1)
    strides = call.integers("strides", count=rank, default=1, least=1)
    pads = call.integers("pads", count=2 * rank, default=0)
    stated = call.data(2)
    sizes = [(size - 1) * strides[axis] - pads[axis] - pads[rank + axis] + kernel[axis]
             for axis, size in enumerate(image.shape[2:])]  # fmt: skip
    output = call.result(stated or (*image.shape[:2], *sizes))
    call.move([output])
    return [output]


@node("MaxRoiPool", "RoiAlign")
def pool_regions(call: Call) -> list[Value]:
    """A fixed grid of windows in each region."""
    image, regions = call.value(0), call.value(1)
    if call.node.op_type == "MaxRoiPool":
        sizes = call.integers("pooled_shape", count=2, least=1)
    else:
        sizes = [call.integer("output_height", 1, least=1), call.integer("output_width", 1, least=1)]
    if image.rank != 4 or regions.rank != 2 or len(sizes) != 2:
        raise call.fail(f"input has shape {shown(image.shape)} and regions {shown(regions.shape)}")
    output = call.result((regions.shape[0], image.shape[1], *sizes))
    samples = max(call.integer("sampling_ratio", 0), 1) ** 2 * 4
    read = output.elements * (samples if call.node.op_type == "RoiAlign" else 1)
    call.move([output], read=min(read, max(image.elements, math.prod(output.shape))))
    return [output]
