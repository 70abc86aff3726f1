"""Operators that a graph of tensors needs beside the core's, and an operator that runs several times."""

from __future__ import annotations

from typing import Any

from advisor.operators import Attention, Convolution, MatMul, Number, Operator
from advisor.records import replace


class Product(MatMul, frozen=True, kw_only=True):
    """A product of two activations: ``positions x inputs`` times ``inputs x outputs``, no weight at all."""

    tied: bool = True
    quantizable: bool = False

    @property
    def weight_elements(self) -> int:
        return 0

    @property
    def activation_elements(self) -> int:
        return self.positions * (self.inputs + self.outputs) + self.inputs * self.outputs


class TransposedConvolution(Convolution, frozen=True, kw_only=True):
    """A product at each input position, added up over windows of the output.

    ``inputs`` is the input channels, ``outputs`` kernel positions x output channels, ``positions`` the
    input positions; ``output_elements`` is the output feature map.
    """

    output_elements: int = 0

    @property
    def activation_elements(self) -> int:
        return self.input_elements + self.output_elements


class SampleAttention(Attention, frozen=True, kw_only=True):
    """Attention within one run: ``positions`` queries in all, each over ``keys`` keys, in ``repeats`` sequences."""

    keys: int
    causal: bool = False
    repeats: int = 1

    @property
    def activation_elements(self) -> int:
        width = self.key_width + self.value_width
        return (self.positions * self.heads + self.repeats * self.keys * self.kv_heads) * width

    def attended(self, context: Number) -> Number:
        return self.keys + 0 * context


def repeated(op: Operator, times: int) -> Operator:
    """Return the operator applied ``times`` times with the same weights."""
    changes: dict[str, Any] = {"positions": op.positions * times, "saved_elements": op.saved_elements * times}
    names = set(op.__struct_fields__)
    for name in ("elements", "input_elements", "output_elements", "repeats"):
        if name in names:
            changes[name] = getattr(op, name) * times
    if isinstance(op, Product):  # both factors change from one time to the next
        changes["positions"] = op.positions
        changes["copies"] = op.copies * times
    return replace(op, **changes)
