"""One use of a node: its inputs, its attributes, and the operators that it leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from advisor.operators import MatMul, Operator
from advisor_graph.placed import Placed
from advisor_graph.weights import Weight
from advisor_onnx.document import Node
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.kinds import FLOAT, KINDS, Kind
from advisor_onnx.names import is_parameter
from advisor_onnx.values import Value

if TYPE_CHECKING:
    from advisor_onnx.walk import Walk

MOST_SIZE = 1 << 40


@dataclass
class Call:
    """What a node function is given. Getters raise ``OnnxError`` that names the node and what is accepted."""

    node: Node
    inputs: list[Value | None]
    walk: Walk
    placed: Placed
    opset: int
    scope: Any = None  # the enclosing graph's values, for subgraphs
    attributes: dict[str, Any] = field(default_factory=dict)

    def fail(self, message: str) -> OnnxError:
        """Return the error ``message`` about this node."""
        return OnnxError(f"node {shown(self.placed.name)} ({self.node.op_type[:60]}): {message}")

    # --- inputs

    def value(self, index: int) -> Value:
        """Return an input that must be there."""
        found = self.optional(index)
        if found is None:
            raise self.fail(f"input {index} is missing")
        return found

    def optional(self, index: int) -> Value | None:
        """Return an input, or None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def present(self) -> list[Value]:
        """Inputs that are there."""
        return [value for value in self.inputs if value is not None]

    def data(self, index: int) -> list[int] | None:
        """Return the whole numbers in an input; None if it is left out or its contents are not known."""
        found = self.optional(index)
        if found is None or found.data is None:
            return None
        return [int(entry) for entry in found.data.reshape(-1) if math.isfinite(entry)]

    # --- attributes

    def integer(self, name: str, default: int | None = None, least: int | None = None) -> int:
        """Return a whole number."""
        value = self.attributes.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or abs(value) > MOST_SIZE or (least is not None and value < least):
            raise self.fail(f"attribute {name} is {shown(value)}; expected a whole number" +
                            ("" if least is None else f" of at least {least}"))  # fmt: skip
        return value

    def number(self, name: str, default: float) -> float:
        """Return a number."""
        value = self.attributes.get(name, default)
        if not isinstance(value, (int, float)) or not abs(value) < MOST_SIZE:
            raise self.fail(f"attribute {name} is {shown(value)}; expected a number")
        return float(value)

    def integers(self, name: str, index: int | None = None, count: int | None = None,
                 default: int | None = None, least: int | None = None) -> list[int]:  # fmt: skip
        """Return whole numbers from an attribute, or from input ``index``; ``default`` fills ``count`` of them."""
        value = self.attributes.get(name)
        if value is None and index is not None:
            value = self.data(index)
        if value is None or (value == [] and count):
            return [default] * count if default is not None and count else []
        if not isinstance(value, list) or (count is not None and len(value) != count):
            raise self.fail(f"attribute {name} is {shown(value)}; expected {count or 'a list of'} whole numbers")
        for entry in value:
            if not isinstance(entry, int) or abs(entry) > 1 << 63 or (least is not None and entry < least):
                raise self.fail(f"attribute {name} has {shown(entry)}; expected whole numbers" +
                                ("" if least is None else f" of at least {least}"))  # fmt: skip
        return value

    def text(self, name: str, default: str = "") -> str:
        """Return text."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else default

    def axis(self, value: int, rank: int, end: bool = False) -> int:
        """Return an axis counted from the front; ``end`` allows one past the last."""
        most = rank if end else rank - 1
        if not -most - (0 if end else 1) <= value <= most:
            raise self.fail(f"axis {shown(value)} is not an axis of a tensor of rank {rank}")
        return value + most + (0 if end else 1) if value < 0 else value

    @property
    def outputs_kind(self) -> Kind:
        """Element type that a cast is to."""
        return KINDS.get(self.integer("to", FLOAT), KINDS[FLOAT])

    # --- outputs

    def result(self, shape: Sequence[int], dtype: int | None = None) -> Value:
        """Return an output that follows from the inputs; of element type ``dtype``, else the first input's."""
        present = self.present
        if dtype is None:
            dtype = present[0].dtype if present else FLOAT
        constant = all(value.constant for value in present)
        weights = self.walk.joined(self.placed, present) if constant else ()
        return Value(tuple(shape), dtype, constant=constant, weights=weights)

    @property
    def constant(self) -> bool:
        """Whether the node computes a constant, which a runtime does once when it loads the file."""
        return all(value.constant for value in self.present)

    # --- operators

    def emit(self, op: Operator) -> None:
        """Add an operator."""
        self.placed.operators.append(op)

    def claim(self, *indices: int) -> list[Weight]:
        """Return the stored tensors in inputs that no operator holds yet, and hold them."""
        values = [self.optional(index) for index in indices]
        found = [weight for value in values if value is not None and value.constant for weight in value.weights]
        return self.placed.claim(weight for weight in found if weight.elements > 1 or is_parameter(weight))

    def product(self, op: MatMul, kernel: int, *biases: int) -> None:
        """Add a product whose weight is input ``kernel``."""
        self.placed.product(op, self.claim(kernel), self.claim(*biases))

    def move(self, outputs: Sequence[Value], keeps_inputs: bool = False, keeps_output: bool = False,
             read: int | None = None, parameters: bool = True) -> None:  # fmt: skip
        """Add the bytes that the node reads and writes, unless it computes a constant; claim its parameters."""
        if self.constant:
            return
        present = self.present
        moving = [value for value in present if not value.constant]
        elements = sum(value.elements for value in moving) if read is None else read
        elements += sum(value.elements for value in outputs)
        saved = sum(value.keep() for value in moving) if keeps_inputs else 0
        saved += sum(value.keep() for value in outputs) if keeps_output else 0
        weights = [w for value in present if value.constant for w in value.weights
                   if parameters and not w.claimed and is_parameter(w)]  # fmt: skip
        self.placed.stored(self.node.op_type.lower()[:60], weights, elements=elements, saved=saved)


def axes_or_all(call: Call, axes: list[int], rank: int) -> list[int]:
    """Axes counted from the front; all of them where none are given."""
    return sorted({call.axis(axis, rank) for axis in axes}) if axes else list(range(rank))
