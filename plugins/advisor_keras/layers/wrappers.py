"""Layers that hold another layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Operator
from advisor.records import replace
from advisor_graph.operators import repeated
from advisor_keras.config import Config, Shape, shown
from advisor_keras.layers.merging import broadcast
from advisor_keras.result import Result, elements, layer, moved, only_input


def _held(config: Config, key: str = "layer") -> Any:
    document = config.values.get(key)
    if not isinstance(document, Mapping):
        raise config.fail(f"field {key!r} is {shown(document)}; expected a layer")
    return document


@layer("TimeDistributed")
def time_distributed(config: Config, inputs: list[Shape]) -> Result:
    """Applies a layer to each step of the first axis."""
    shape = only_input(config, inputs)
    if len(shape) < 2:
        raise config.fail(f"input has shape {shown(shape)}; expected steps and at least one more axis")
    steps = shape[0]
    inner = config.walk.inner(_held(config), [shape[1:]])
    return replace(
        inner,
        outputs=tuple((steps, *output) for output in inner.outputs),
        operators=tuple(repeated(op, steps) for op in inner.operators),
    )


@layer("Bidirectional")
def bidirectional(config: Config, inputs: list[Shape]) -> Result:
    """Runs a recurrent layer forward and a copy of it backward, and merges their outputs."""
    forward = config.walk.inner(_held(config), inputs[:1])
    other = "backward_layer"
    backward = config.walk.inner(_held(config, other), inputs[:1]) if config.values.get(other) else forward
    if not forward.outputs or not backward.outputs:
        raise config.fail("the layer within has no output")
    operators: list[Operator] = [replace(op, name=f"forward.{op.name}") for op in forward.operators]
    operators += [replace(op, name=f"backward.{op.name}") for op in backward.operators]
    mode = config.values.get("merge_mode", "concat")
    pair = [forward.outputs[0], backward.outputs[0]]
    states = (*forward.outputs[1:], *backward.outputs[1:])
    if mode is None:
        merged: tuple[Shape, ...] = tuple(pair)
    elif mode == "concat":
        merged = ((*pair[0][:-1], pair[0][-1] + pair[1][-1]),)
    elif mode in ("sum", "mul", "ave"):
        merged = (broadcast(config, pair),)
    else:
        raise config.fail(f"field 'merge_mode' is {shown(mode)}; expected concat, sum, mul, ave or null")
    if mode is not None:
        operators.append(moved("merge", elements(pair[0]) + elements(pair[1]), elements(merged[0])))
    return Result(outputs=(*merged, *states), operators=tuple(operators), saves_input=True)


@layer("Wrapper")
def wrapper(config: Config, inputs: list[Shape]) -> Result:
    """Applies the layer that it holds."""
    return config.walk.inner(_held(config), inputs)


@layer("Pipeline")
def pipeline(config: Config, inputs: list[Shape]) -> Result:
    """Applies preprocessing layers one after another."""
    layers = config.values.get("layers")
    if not isinstance(layers, list) or len(layers) > 1000:
        raise config.fail(f"field 'layers' is {shown(layers)}; expected a list of layers")
    shapes = inputs
    operators: list[Operator] = []
    for document in layers:
        inner = config.walk.inner(document, shapes)
        shapes = list(inner.outputs)
        operators += inner.operators
    return Result(outputs=tuple(shapes), operators=tuple(operators))
