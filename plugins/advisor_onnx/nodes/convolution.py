"""Convolutions: plain, transposed, deformable, integer."""

from __future__ import annotations

import math

from advisor.operators import Convolution
from advisor.records import replace
from advisor_graph.operators import TransposedConvolution
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import INT32
from advisor_onnx.nodes import node
from advisor_onnx.values import Shape, Value

SAME = ("SAME_UPPER", "SAME_LOWER")


def window_sizes(call: Call, spatial: Shape, kernel: Shape, ceil: bool = False) -> Shape:
    """Sizes of the output of a window that slides over ``spatial``."""
    rank = len(spatial)
    strides = call.integers("strides", count=rank, default=1, least=1)
    dilations = call.integers("dilations", count=rank, default=1, least=1)
    pads = call.integers("pads", count=2 * rank, default=0)
    padding = call.text("auto_pad", "NOTSET")
    answer = []
    for axis, size in enumerate(spatial):
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        if padding in SAME:
            answer.append(-(-size // strides[axis]))
            continue
        border = 0 if padding == "VALID" else pads[axis] + pads[rank + axis]
        free = size + border - reach
        if free < 0:
            raise call.fail(f"a window of {shown(kernel)} does not fit its input of {shown(spatial)}")
        steps = -(-free // strides[axis]) if ceil else free // strides[axis]
        # A last window that would start in the padding behind the input is left out.
        if ceil and steps * strides[axis] >= size + (0 if padding == "VALID" else pads[axis]):
            steps -= 1
        answer.append(steps + 1)
    return tuple(answer)


def _convolve(call: Call, data: int, kernel: int, biases: tuple[int, ...], dtype: int | None) -> list[Value]:
    image, weight = call.value(data), call.value(kernel)
    if image.rank < 3 or weight.rank != image.rank:
        raise call.fail(
            f"input has shape {shown(image.shape)} and weight {shown(weight.shape)}; expected batch, channels "
            "and one axis or more in both"
        )
    groups = call.integer("group", 1, least=1)
    batch, channels, *spatial = image.shape
    filters, each, *window = weight.shape
    if each * groups != channels or filters % groups:
        raise call.fail(f"weight has shape {shown(weight.shape)} for {channels} channels in {groups} groups")
    sizes = window_sizes(call, tuple(spatial), tuple(window))
    output = call.result((batch, filters, *sizes), dtype)
    if not call.constant:
        op = Convolution(
            name="kernel", inputs=math.prod(window) * channels, outputs=filters, groups=groups,
            positions=batch * math.prod(sizes), input_elements=image.elements, split="columns",
            saved_elements=image.keep(),
        )  # fmt: skip
        call.product(op, kernel, *biases)
        output.product = call.placed
    return [output]


@node("Conv")
def convolution(call: Call) -> list[Value]:
    """Input, weight, bias."""
    return _convolve(call, 0, 1, (2,), None)


@node("ConvInteger")
def integer_convolution(call: Call) -> list[Value]:
    """8-bit input and weight, 32-bit sums."""
    return _convolve(call, 0, 1, (), INT32)


@node("QLinearConv")
def quantized_convolution(call: Call) -> list[Value]:
    """8-bit all through: x, scale, zero point, w, scale, zero point, scale, zero point, bias."""
    call.walk.scale_values += sum(value.elements for index, value in enumerate(call.inputs)
                                  if value is not None and index not in (0, 3, 8))  # fmt: skip
    return _convolve(call, 0, 3, (8,), call.value(7).dtype)


@node("DeformConv")
def deformable(call: Call) -> list[Value]:
    """A convolution whose positions are themselves an input: x, w, offset, bias, mask."""
    outputs = _convolve(call, 0, 1, (3,), None)
    offsets = [value for index in (2, 4) if (value := call.optional(index)) is not None and not value.constant]
    if call.placed.operators and isinstance(op := call.placed.operators[0], Convolution):
        more = sum(value.elements for value in offsets)
        call.placed.operators[0] = replace(op, input_elements=op.input_elements + more)
    return outputs


@node("ConvTranspose")
def transposed(call: Call) -> list[Value]:
    """Spreads each input position over a window of the output."""
    image, weight = call.value(0), call.value(1)
    if image.rank < 3 or weight.rank != image.rank:
        raise call.fail(
            f"input has shape {shown(image.shape)} and weight {shown(weight.shape)}; expected batch, channels "
            "and one axis or more in both"
        )
    groups = call.integer("group", 1, least=1)
    batch, channels, *spatial = image.shape
    held, each, *window = weight.shape
    if held != channels or channels % groups:
        raise call.fail(f"weight has shape {shown(weight.shape)} for {channels} channels in {groups} groups")
    filters = each * groups
    sizes = _spread_sizes(call, tuple(spatial), tuple(window))
    output = call.result((batch, filters, *sizes))
    if call.constant:
        return [output]
    places = math.prod(window)
    op = TransposedConvolution(
        name="kernel", inputs=channels, outputs=places * filters, groups=groups, positions=batch * math.prod(spatial),
        input_elements=image.elements, output_elements=output.elements, split="columns", saved_elements=image.keep(),
    )  # fmt: skip
    bias = call.optional(2)
    unclaimed = bias is not None and all(not weight.claimed for weight in bias.weights)
    call.product(op, 1)
    if unclaimed and isinstance(made := call.placed.operators[0], TransposedConvolution) and not made.tied:
        added = call.claim(2)
        if {weight.format for weight in added} == {made.native_format}:
            count = sum(weight.elements for weight in added)
            call.placed.operators[0] = replace(made, extra_parameters=count)
        else:
            call.placed.stored("bias", added)
    return [output]


def _spread_sizes(call: Call, spatial: Shape, window: Shape) -> Shape:
    """Sizes of the output of a transposed convolution."""
    rank = len(spatial)
    strides = call.integers("strides", count=rank, default=1, least=1)
    dilations = call.integers("dilations", count=rank, default=1, least=1)
    extra = call.integers("output_padding", count=rank, default=0, least=0)
    given = call.integers("output_shape")
    if given:
        if len(given) not in (rank, rank + 2) or any(size < 0 for size in given):
            raise call.fail(f"attribute output_shape is {shown(given)}; expected {rank} sizes")
        return tuple(given[-rank:])
    pads = call.integers("pads", count=2 * rank, default=0)
    padding = call.text("auto_pad", "NOTSET")
    answer = []
    for axis, size in enumerate(spatial):
        if padding in SAME:
            answer.append(size * strides[axis])
            continue
        reach = (window[axis] - 1) * dilations[axis] + 1
        border = 0 if padding == "VALID" else pads[axis] + pads[rank + axis]
        answer.append((size - 1) * strides[axis] + extra[axis] + reach - border)
    return tuple(answer)


@node("CausalConvWithState")
def causal(call: Call) -> list[Value]:
    """A depthwise convolution that sees only earlier steps: input, weight, bias, the last steps before."""
    data, weight = call.value(0), call.value(1)
    if data.rank != 3 or weight.rank != 3 or weight.shape[:2] != (data.shape[1], 1):
        raise call.fail(
            f"input has shape {shown(data.shape)} and weight {shown(weight.shape)}; expected batch, channels, "
            "steps and a kernel for each channel"
        )
    batch, channels, steps = data.shape
    window = weight.shape[2]
    output = call.result(data.shape)
    if not call.constant:
        op = Convolution(name="kernel", inputs=window * channels, outputs=channels, groups=channels, split="columns",
                         positions=batch * steps, input_elements=data.elements, saved_elements=data.keep())  # fmt: skip
        call.product(op, 1, 2)
    return [output, call.result((batch, channels, max(window - 1, 0)))]
