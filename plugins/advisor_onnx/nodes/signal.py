"""Fourier transforms and windows."""

from __future__ import annotations

import math

from advisor.operators import Elementwise
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import FLOAT
from advisor_onnx.nodes import node
from advisor_onnx.values import Value


@node("DFT")
def transform(call: Call) -> list[Value]:
    """A fast Fourier transform along an axis: bytes, by the convention that counts products alone."""
    data = call.value(0)
    length = call.data(1)
    stated = call.data(2)
    axis = call.axis(
        stated[0] if stated else call.integer("axis", 1 if call.opset and call.opset < 20 else -2), data.rank
    )
    shape = list(data.shape)
    if length:
        shape[axis] = max(length[0], 0)
    if call.integer("onesided", 0):
        if call.integer("inverse", 0):
            shape[axis] = shape[axis] if length else 2 * (shape[axis] - 1)
        else:
            shape[axis] = shape[axis] // 2 + 1
    # One complex axis last; an inverse one-sided transform gives real numbers.
    real = bool(call.integer("onesided", 0) and call.integer("inverse", 0))
    shape[-1] = 1 if real else 2
    output = call.result(shape)
    call.move([output])
    return [output]


@node("STFT")
def short_transforms(call: Call) -> list[Value]:
    """A Fourier transform of each frame."""
    signal, step, window, length = call.value(0), call.data(1), call.optional(2), call.data(3)
    frame = length[0] if length else window.elements if window is not None else 0
    if not step or step[0] < 1 or frame < 1 or signal.rank < 2 or signal.shape[1] < frame:
        raise call.fail(f"cuts shape {shown(signal.shape)} into frames of {frame} every {shown(step)}")
    frames = 1 + (signal.shape[1] - frame) // step[0]
    bins = frame // 2 + 1 if call.integer("onesided", 1) else frame
    output = call.result((signal.shape[0], frames, bins, 2), signal.dtype)
    call.move([output], read=frames * frame * signal.shape[0])
    return [output]


@node("HannWindow", "HammingWindow", "BlackmanWindow")
def window(call: Call) -> list[Value]:
    """Weights of a frame."""
    size = call.data(0) or list(call.walk.declared(call) or ())
    if not size:
        raise call.fail("its size is computed from data")
    return [call.result((max(size[0], 0),), call.integer("output_datatype", FLOAT))]


@node("MelWeightMatrix")
def mel(call: Call) -> list[Value]:
    """Weights from frequencies to mel bands."""
    bins, length = call.data(0), call.data(1)
    if not bins or not length:
        raise call.fail("its sizes are computed from data")
    return [call.result((length[0] // 2 + 1, bins[0]), call.integer("output_datatype", FLOAT))]


@node("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(call: Call) -> list[Value]:
    """A loss of scores (batch, classes, ...) against labels."""
    scores, labels = call.value(0), call.value(1)
    whole = call.text("reduction", "mean") == "none"
    output = call.result(labels.shape if whole else (), scores.dtype)
    call.move([output], keeps_inputs=True)
    return [output, call.result(scores.shape)]


@node("Adagrad", "Adam", "Momentum", domain="ai.onnx.preview.training")
def update(call: Call) -> list[Value]:
    """An optimizer's step: rate, count, then weights, gradients and states in turn."""
    count = len(call.node.outputs)
    per = {"Adagrad": 3, "Adam": 4, "Momentum": 3}[call.node.op_type]
    groups = (len(call.inputs) - 2) // per
    shapes = [call.value(2 + place).shape for place in range(groups)]
    moved = sum(math.prod(shape) for shape in shapes)
    call.emit(Elementwise(name="update", elements=2 * (per - 1) * moved + moved))
    return [call.result(shapes[place % max(groups, 1)] if shapes else ()) for place in range(count)]
