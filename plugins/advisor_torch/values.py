"""Tensors and calls of ATen operators, as a trace or an archive gives them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor_graph.placed import Placed
from advisor_graph.weights import Weight

Shape = tuple[int, ...]

#: Element types by their names in torch: the advisor's format, and whether they hold real numbers.
FORMATS: dict[str, tuple[str, bool]] = {
    "float32": ("fp32", True), "float64": ("fp64", True), "float16": ("fp16", True), "bfloat16": ("bf16", True),
    "float8_e4m3fn": ("fp8", True), "float8_e5m2": ("fp8", True), "float8_e4m3fnuz": ("fp8", True),
    "float8_e5m2fnuz": ("fp8", True), "float4_e2m1fn_x2": ("nvfp4", True), "int8": ("int8", False),
    "uint8": ("int8", False), "qint8": ("int8", False), "quint8": ("int8", False), "int16": ("fp16", False),
    "int32": ("fp32", False), "qint32": ("fp32", False), "int64": ("fp64", False), "bool": ("int8", False),
    "complex64": ("fp64", True), "complex128": ("fp64", True), "complex32": ("fp32", True),
}  # fmt: skip


@dataclass(eq=False, slots=True)
class Value:
    """A tensor. ``constant``: it follows from the weights alone; ``weights`` are those it is made of."""

    shape: Shape
    kind: str = "float32"
    weights: tuple[Weight, ...] = ()
    constant: bool = False
    kept: list[bool] = field(default_factory=lambda: [False])

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def keep(self) -> int:
        """Values to keep for the backward pass: none if they are kept already, or constant."""
        first = not self.kept[0] and not self.constant
        self.kept[0] = True
        return self.elements if first else 0


def stored(name: str, shape: Shape, kind: str, trainable: bool = True) -> Value:
    """Return a tensor that the model stores."""
    fmt, floating = FORMATS.get(kind, ("fp32", True))
    weight = Weight(name, math.prod(shape), fmt, kind, floating, len(shape), trainable=trainable)
    return Value(shape, kind, (weight,), constant=True)


@dataclass(slots=True)
class Call:
    """One call of an operator: arguments by name, with ``Value`` for tensors, and its results."""

    op: str
    arguments: Mapping[str, Any]
    outputs: list[Value]
    placed: Placed

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument; the default where it was left out."""
        found = self.arguments.get(name, default)
        return default if found is None else found

    def tensor(self, *names: str) -> Value:
        """Return the tensor argument of the first of these names that is there."""
        found = self.maybe(*names)
        if found is None:
            raise LookupError(f"{self.op}: argument {names[0]} is missing")
        return found

    def maybe(self, *names: str) -> Value | None:
        """As ``tensor``, or None."""
        return next((found for name in names if isinstance(found := self.arguments.get(name), Value)), None)

    @property
    def tensors(self) -> list[Value]:
        """All tensors among the arguments."""
        return list(_tensors(self.arguments.values()))

    @property
    def output(self) -> Value:
        """The first result."""
        return self.outputs[0] if self.outputs else Value(())

    def claim(self, *values: Value | None) -> list[Weight]:
        """Hold what no operator holds yet of stored tensors."""
        return self.placed.claim(weight for value in values if value is not None and value.constant
                                 for weight in value.weights if weight.trainable)  # fmt: skip


def _tensors(values: Iterable[Any], depth: int = 0) -> Iterable[Value]:
    for value in values:
        if isinstance(value, Value):
            yield value
        elif isinstance(value, (list, tuple)) and depth < 4:
            yield from _tensors(value, depth + 1)
