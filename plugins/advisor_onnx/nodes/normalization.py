"""Normalisations."""

from __future__ import annotations

from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.nodes import node
from advisor_onnx.values import Value


@node("BatchNormalization")
def batch_normalization(call: Call) -> list[Value]:
    """Scale and shift by channel; the moving mean and variance are stored but not trained."""
    data = call.value(0)
    for index in range(1, 5):
        if call.value(index).rank != 1:
            raise call.fail(f"input {index} has shape {shown(call.value(index).shape)}; expected one value a channel")
    output = call.result(data.shape)
    if not call.constant:
        trained, moving = call.claim(1, 2), call.claim(3, 4)
        call.placed.stored("batch_normalization", trained, elements=2 * data.elements, saved=data.keep())
        call.placed.stored("moving_statistics", moving, trainable=False)
    channels = call.value(1).shape
    return [output, *(call.result(channels) for _ in call.node.outputs[1:])]


@node("InstanceNormalization", "GroupNormalization")
def instance_normalization(call: Call) -> list[Value]:
    """Normalises each sample's channels, or groups of them."""
    output = call.result(call.value(0).shape)
    call.move([output], keeps_inputs=True)
    return [output]


@node("LayerNormalization", "RMSNormalization")
def layer_normalization(call: Call) -> list[Value]:
    """Normalises over the last axes; may also return mean and deviation."""
    shape = call.value(0).shape
    axis = call.axis(call.integer("axis", -1), len(shape))
    output = call.result(shape)
    call.move([output], keeps_inputs=True)
    reduced = (*shape[:axis], *(1,) * (len(shape) - axis))
    return [output, *(call.result(reduced, call.integer("stash_type", 1)) for _ in call.node.outputs[1:])]
