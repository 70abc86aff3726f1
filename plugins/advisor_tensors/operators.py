"""Operators of stored tensors: every one keeps the format that its tensor has in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.errors import ModelFileError
from advisor.operators import Elementwise, ExpertMatMul, MatMul, Operator, Split
from advisor_tensors.table import Tensor


class ExpertVectors(Elementwise, frozen=True, kw_only=True):
    """Vectors of which each expert has one, such as biases: a unit reads those of its own experts."""

    experts: int
    experts_per_unit: int
    split: Split = "experts"

    @property
    def active_parameters(self) -> int:
        return self.parameters_own * self.experts_per_unit // self.experts


def vectors(name: str, tensors: Sequence[Tensor], elements: int | None = None, **also: Any) -> list[Operator]:
    """Element-wise operators of tensors, one for each format; ``elements`` are moved by the first.

    By default each value is read, combined with one of the activations, and that is written.
    """
    answer: list[Operator] = []
    for form, members in _by_format(tensors).items():
        own = sum(tensor.values for tensor in members)
        moved = (2 * own if elements is None else elements) if not answer else 0
        answer.append(Elementwise(name=name if not answer else f"{name}.{form}", elements=moved, parameters_own=own,
                                  native_format=form, **also))  # fmt: skip
        also = {**also, "saved_elements": 0}
    return answer


def product(name: str, weights: Sequence[Tensor], biases: Sequence[Tensor] = (), *, inputs: int, positions: int = 1,
            split: Split = "none", saved: int = 0, quantizable: bool = True, names: Sequence[str] = (),
            ) -> list[Operator]:  # fmt: skip
    """Matrix products of one input: one operator where all tensors share a format, else one each format.

    ``names`` name the weights where they are told apart. A bias of the same format and of every weight
    stays with its product; any other is an operator of its own.
    """
    _must_divide(name, weights, inputs)
    outputs = [tensor.values // inputs for tensor in weights]
    bias_values = sum(tensor.values for tensor in biases)
    formats = {tensor.format for tensor in weights}
    fused = len(formats) == 1 and {tensor.format for tensor in biases} == formats and bias_values == sum(outputs)
    answer: list[Operator] = []
    labels = list(names) or [name] * len(weights)
    for form, members in _by_format(weights).items():
        whole = len(formats) == 1
        label = name if whole else "_".join(labels[weights.index(tensor)] for tensor in members)
        answer.append(MatMul(
            name=label, inputs=inputs, outputs=sum(tensor.values // inputs for tensor in members), bias=fused,
            split=split, positions=positions, quantizable=quantizable, native_format=form,
            saved_elements=saved if not answer else 0,
        ))  # fmt: skip
    return answer + ([] if fused else vectors(f"{name}.bias", biases, elements=0, split=split))


def packed_product(name: str, weights: Sequence[Tensor], biases: Sequence[Tensor] = (), *, experts: int, each: int,
                   inputs: int, saved: int = 0) -> list[Operator]:  # fmt: skip
    """Products of experts; ``weights`` hold all of them. ``each`` is how many a unit is routed to."""
    _must_divide(name, weights, inputs * experts)
    answer: list[Operator] = []
    for form, members in _by_format(weights).items():
        values = sum(tensor.values for tensor in members)
        answer.append(ExpertMatMul(
            name=name if not answer else f"{name}.{form}", inputs=inputs, outputs=values // (inputs * experts),
            experts=experts, experts_per_unit=each, native_format=form, saved_elements=saved if not answer else 0,
        ))  # fmt: skip
    answer += [ExpertVectors(name=f"{name}.bias", elements=0, parameters_own=tensor.values, experts=experts,
                             experts_per_unit=each, native_format=tensor.format) for tensor in biases]  # fmt: skip
    return answer


def _must_divide(name: str, weights: Sequence[Tensor], by: int) -> None:
    for tensor in weights:
        if by <= 0 or tensor.values % by:
            raise ModelFileError(f"tensor {tensor.name[:60]!r} of shape {list(tensor.shape)} does not fit its part "
                                 f"{name!r}, which has {by} inputs")  # fmt: skip


def _by_format(tensors: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    answer: dict[str, list[Tensor]] = {}
    for tensor in tensors:
        answer.setdefault(tensor.format, []).append(tensor)
    return answer
