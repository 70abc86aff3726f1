"""What a layer function returns, and the table that layer functions register in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from advisor.operators import Elementwise, Operator
from advisor_keras.config import Config, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Operators of one use of a layer, its output shapes, and what the backward pass keeps.

    ``saved_elements`` of the operators counts only what no other layer sees. ``saves_input`` and
    ``saves_output`` say that the backward pass also needs the layer's inputs or outputs, which are kept
    once however many layers need them. ``passes_input``: the output is the input, seen in another shape.
    ``guessed``: the layer is unknown, so the outputs are only a guess.
    """

    outputs: tuple[Shape, ...]
    operators: tuple[Operator, ...] = ()
    saves_input: bool = False
    saves_output: bool = False
    passes_input: bool = False
    guessed: bool = False


LayerFunction = Callable[[Config, list[Shape]], Result]

#: Keras class name to the function that reads it.
LAYERS: dict[str, LayerFunction] = {}


def layer(*class_names: str) -> Callable[[LayerFunction], LayerFunction]:
    """Register a layer function under Keras class names."""

    def register(function: LayerFunction) -> LayerFunction:
        LAYERS.update(dict.fromkeys(class_names, function))
        return function

    return register


def elements(shape: Shape) -> int:
    """Return the number of values of one sample's tensor."""
    return math.prod(shape)


def only_input(config: Config, inputs: list[Shape]) -> Shape:
    """Return the first input's shape, or raise if the layer was given none."""
    if not inputs:
        raise config.fail("has no input tensor")
    return inputs[0]


def moved(name: str, read: int, written: int, saved: int = 0) -> Elementwise:
    """Return an operator that reads and writes so many values a sample."""
    return Elementwise(name=name, elements=read + written, saved_elements=saved)


def unknown(config: Config, inputs: list[Shape], why: str) -> Result:
    """Return a layer that could not be read: no figures, outputs taken to be its inputs."""
    return Result(outputs=tuple(inputs[:1]), operators=(Operator(name="unknown", unknown=why),), guessed=True)
