"""What a walk collects: the operators of each node or module that does work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from advisor.operators import Elementwise, MatMul, Operator
from advisor.records import replace
from advisor_graph.weights import Weight


@dataclass(slots=True)
class Placed:
    """Operators of one node, with the names of the stored tensors that they hold."""

    name: str
    kind: str
    operators: list[Operator] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)

    def claim(self, weights: Iterable[Weight]) -> list[Weight]:
        """Hold those that no operator holds yet, and return them."""
        found = [weight for weight in weights if not weight.claimed]
        self.hold(found)
        return found

    def hold(self, weights: Sequence[Weight]) -> None:
        """Mark stored tensors as this node's."""
        for weight in weights:
            weight.claimed = True
            self.weights.append(weight.name)

    def product(self, op: MatMul, weights: Sequence[Weight], others: Sequence[Weight] = ()) -> None:
        """Add a product of its claimed weights and bias; what its shape does not account for is added beside it."""
        stored = {weight.format for weight in weights}
        added = sum(weight.elements for weight in others)
        rest = list(others)
        if len(stored) == 1 and sum(weight.elements for weight in weights) == op.copies * op.weight_elements:
            op = replace(op, native_format=stored.pop())
            if rest and added == op.outputs and op.copies == 1 and {w.format for w in rest} == {op.native_format}:
                op, rest = replace(op, bias=True), []
        else:
            op = replace(op, tied=True)
            rest = [*weights, *rest]
        self.operators.append(op)
        if rest:
            self.stored("bias" if op.native_format else "weights", rest)

    def take_bias(self, weights: Sequence[Weight]) -> bool:
        """Give a bias to the node's product, where it is one and the bias is as wide; say whether it was taken."""
        op = self.operators[0] if self.operators else None
        if not isinstance(op, MatMul) or op.bias or op.tied or op.copies != 1 or op.groups != 1:
            return False
        stored = {weight.format for weight in weights} | ({op.native_format} if op.native_format else set())
        if len(stored) != 1 or sum(weight.elements for weight in weights) != op.outputs:
            return False
        self.operators[0] = replace(op, bias=True)
        self.hold(weights)
        return True

    def stored(
        self, name: str, weights: Sequence[Weight], trainable: bool = True, elements: int = 0, saved: int = 0
    ) -> None:
        """Add element-wise work on ``elements`` values, with the parameters that it holds, one a number format."""
        by_format: dict[str, int] = {}
        for weight in weights:
            by_format[weight.format] = by_format.get(weight.format, 0) + weight.elements
        for fmt, count in by_format.items() or [("", 0)]:
            if count or elements:
                self.operators.append(Elementwise(
                    name=name, elements=elements, parameters_own=count, native_format=fmt or None, trainable=trainable,
                    saved_elements=saved,
                ))  # fmt: skip
            elements = saved = 0
        self.hold(weights)

    def saving(self, elements: int) -> None:
        """Let the first operator keep so many values for the backward pass."""
        if self.operators and elements:
            op = self.operators[0]
            self.operators[0] = replace(op, saved_elements=op.saved_elements + elements // max(op.copies, 1))
