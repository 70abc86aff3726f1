"""Operators that a Keras graph needs beside the core's, and how an operator changes when used again."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from advisor.operators import Attention, Convolution, Elementwise, Embedding, MatMul, Number, Operator, Recurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class TransposedConvolution(Convolution):
    """The gradient of a convolution run forward: a matrix product at each input position, added up.

    ``inputs`` is the input channels, ``outputs`` kernel positions x output channels, ``positions`` the
    input positions; ``output_elements`` is the output feature map.
    """

    output_elements: int = 0

    @property
    def activation_elements(self) -> int:
        return self.input_elements + self.output_elements


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAttention(Attention):
    """Attention within one sample: ``positions`` queries over ``keys`` keys, however many samples there are."""

    keys: int
    causal: bool = False
    repeats: int = 1

    @property
    def activation_elements(self) -> int:
        width = self.key_width + self.value_width
        return (self.positions * self.heads + self.repeats * self.keys * self.kv_heads) * width

    def attended(self, context: Number) -> Number:
        return self.keys + 0 * context


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


def repeated(op: Operator, times: int) -> Operator:
    """Return the operator applied ``times`` times a sample with the same weights."""
    changes: dict[str, Any] = {"positions": op.positions * times, "saved_elements": op.saved_elements * times}
    names = {entry.name for entry in fields(op)}
    for name in ("elements", "input_elements", "output_elements", "repeats"):
        if name in names:
            changes[name] = getattr(op, name) * times
    return replace(op, **changes)
