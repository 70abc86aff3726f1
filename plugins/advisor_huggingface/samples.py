"""Operators of networks that see a whole sample or sequence at once: fixed keys, crossed stacks, pooled heads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import fields

from advisor.operators import Attention, Convolution, Elementwise, Embedding, MatMul, Number, Operator
from advisor.records import replace


class FixedKeysAttention(Attention, frozen=True, kw_only=True):
    """Attention whose queries see ``keys`` keys however many units there are: patches, a window, a table."""

    keys: int
    causal: bool = False

    def attended(self, context: Number) -> Number:
        return self.keys + 0 * context


class CrossAttention(Attention, frozen=True, kw_only=True):
    """Attention of a decoder to what an encoder made, whose keys and values are kept.

    ``keys`` is the encoder's fixed length; None where it follows the prompt, which then counts as the
    context. The products of keys and values belong to the encoder's stack: they run once a request.
    """

    keys: int | None = None
    causal: bool = False

    @property
    def cache_elements(self) -> int:
        return self.kv_heads * (self.key_width + self.value_width)

    @property
    def activation_elements(self) -> int:
        return self.positions * self.heads * (self.key_width + self.value_width)

    def attended(self, context: Number) -> Number:
        return context if self.keys is None else self.keys + 0 * context

    def cached(self, context: Number) -> Number:
        return context if self.keys is None else self.keys + 0 * context


class SequenceMatMul(MatMul, frozen=True, kw_only=True):
    """A product that runs once a sequence, on its first or mean unit: poolers and classifiers."""

    last_unit_only: bool = True
    quantizable: bool = False

    def flops(self, units: Number, context: Number = 0) -> Number:
        sequences = units // max(context, 1) if isinstance(context, int) else units / context
        return 2 * sequences * self.positions * (self.inputs * self.outputs // self.groups)


class TableMatMul(MatMul, frozen=True, kw_only=True):
    """A product of a table's ``rows`` with a weight, once a pass however many units there are."""

    rows: int
    positions: int = 0

    def flops(self, units: Number, context: Number = 0) -> Number:
        return 2 * self.rows * self.inputs * self.outputs


def per_sample(operators: Iterable[Operator], positions: int, keys: int | None = None) -> tuple[Operator, ...]:
    """Operators of one position as those of a sample of ``positions``, each of which sees ``keys`` (all)."""
    return tuple(_per_sample(op, positions, positions if keys is None else keys) for op in operators)


def _per_sample(op: Operator, positions: int, keys: int) -> Operator:
    changes: dict[str, Any] = {"positions": op.positions * positions, "saved_elements": op.saved_elements * positions}
    if isinstance(op, Attention):
        own = {entry.name: getattr(op, entry.name) for entry in fields(Attention)}
        return FixedKeysAttention(**{**own, **changes, "causal": False, "keys": keys})
    if isinstance(op, Elementwise):
        changes["elements"] = op.elements * positions
    if isinstance(op, Convolution):
        changes["input_elements"] = op.input_elements * positions
    return replace(op, **changes)


def shared(operators: Iterable[Operator]) -> tuple[Operator, ...]:
    """The same operators in a later layer that shares their weights: same work, no parameters of its own."""
    return tuple(_shared(op) for op in operators)


def _shared(op: Operator) -> Operator:
    if isinstance(op, MatMul):
        return replace(op, tied=True)
    if isinstance(op, (Elementwise, Attention)):
        return replace(op, parameters_own=0)
    if isinstance(op, Embedding):
        return Elementwise(name=op.name, positions=op.positions, elements=op.activation_elements)
    return op
