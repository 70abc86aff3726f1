"""How an operator of a Keras layer changes when the layer is used again."""

from __future__ import annotations

from advisor.operators import Attention, Elementwise, Embedding, MatMul, Operator, Recurrence
from advisor.records import replace


def reused(op: Operator) -> Operator:
    """Return the operator as a later use of its layer sees it: same work, no parameters of its own."""
    if isinstance(op, MatMul):
        return replace(op, tied=True)
    if isinstance(op, Embedding):
        return Elementwise(
            name=op.name, copies=op.copies, positions=op.positions, saved_elements=op.saved_elements,
            elements=op.activation_elements,
        )  # fmt: skip
    if isinstance(op, (Elementwise, Recurrence, Attention)):
        return replace(op, parameters_own=0)
    return op
