"""Layers that join several tensors."""

from __future__ import annotations

from advisor.operators import MatMul
from advisor_keras.config import Config, Shape
from advisor_keras.result import Result, elements, layer, moved


def broadcast(config: Config, inputs: list[Shape]) -> Shape:
    """Return the shape that the inputs broadcast to, as numpy does; a batch axis leads each."""
    if not inputs:
        raise config.fail("has no input tensors")
    rank = max(len(shape) for shape in inputs)
    answer: list[int] = []
    for axis in range(rank):
        sizes = {shape[axis - rank] for shape in inputs if len(shape) >= rank - axis} - {1}
        if len(sizes) > 1:
            raise config.fail(f"its inputs have shapes {', '.join(map(str, inputs[:4]))}, which do not fit together")
        answer.append(sizes.pop() if sizes else 1)
    return tuple(answer)


@layer("Add", "Average", "Subtract")
def linear_merge(config: Config, inputs: list[Shape]) -> Result:
    """Adds, averages or subtracts: the gradient needs nothing."""
    output = broadcast(config, inputs)
    return Result(outputs=(output,), operators=(moved(config.kind.lower(), _total(inputs), elements(output)),))


@layer("Multiply", "Maximum", "Minimum", "Merge")
def product_merge(config: Config, inputs: list[Shape]) -> Result:
    """Multiplies or compares: the gradient needs the inputs."""
    output = broadcast(config, inputs)
    operator = moved(config.kind.lower(), _total(inputs), elements(output))
    return Result(outputs=(output,), operators=(operator,), saves_input=True)


@layer("Concatenate")
def concatenate(config: Config, inputs: list[Shape]) -> Result:
    """Joins tensors along an axis."""
    if not inputs:
        raise config.fail("has no input tensors")
    first = inputs[0]
    axis = config.axis(config.values.get("axis", -1), len(first))
    for shape in inputs:
        if len(shape) != len(first) or shape[:axis] + shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise config.fail(f"its inputs have shapes {first} and {shape}; all but axis {axis + 1} must be equal")
    output = (*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])
    return Result(outputs=(output,), operators=(moved("concatenate", elements(output), elements(output)),))


@layer("Dot")
def dot(config: Config, inputs: list[Shape]) -> Result:
    """Contracts an axis of each of two tensors."""
    if len(inputs) != 2:
        raise config.fail(f"has {len(inputs)} input tensors; expected 2")
    axes = config.values.get("axes", -1)
    pair = list(axes) if isinstance(axes, (list, tuple)) else [axes, axes]
    if len(pair) != 2:
        raise config.fail(f"field 'axes' is {axes!r:.60}; expected one axis or two")
    first, second = (config.axis(axis, len(shape)) for axis, shape in zip(pair, inputs, strict=True))
    left, right = inputs
    if left[first] != right[second]:
        raise config.fail(f"contracts axes of sizes {left[first]} and {right[second]}; they must be equal")
    rows = left[:first] + left[first + 1 :]
    columns = right[:second] + right[second + 1 :]
    output = (*rows, *columns) or (1,)
    product = MatMul(
        name="dot", inputs=left[first], outputs=elements(columns), positions=elements(rows), tied=True,
        quantizable=False,
    )  # fmt: skip
    return Result(outputs=(output,), operators=(product,), saves_input=True)


def _total(inputs: list[Shape]) -> int:
    return sum(elements(shape) for shape in inputs)
