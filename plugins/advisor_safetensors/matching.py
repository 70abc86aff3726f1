"""Shares the tensors of one block out among the operators that the architecture gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from advisor.operators import MatMul, Operator
from advisor_safetensors.stored import stored
from advisor_tensors import Tensor

Named = tuple[str, Tensor]  # the name within the block, and the tensor


@dataclass
class Match:
    """The operators in their formats, and what is left of either side."""

    operators: list[Operator]
    unused: list[Tensor] = field(default_factory=list)
    unstored: list[Operator] = field(default_factory=list)


def match(operators: Sequence[Operator], members: Sequence[Named], names: Callable[[str], Sequence[str]]) -> Match:
    """Give each operator its tensors, by name where formats are mixed.

    ``names`` says which operators a tensor may belong to. Where values add up and all are of one format,
    names do not matter.
    """
    needed = sum(op.copies * op.parameters for op in operators)
    held = sum(tensor.values for _, tensor in members)
    formats = {tensor.format for _, tensor in members}
    if held == needed and len(formats) == 1:
        form = next(iter(formats))
        return Match([replace(op, native_format=form) if _stores(op) else op for op in operators])
    own = {op.name: op for op in operators if _stores(op)}
    shares: dict[str, list[Tensor]] = {}
    unused: list[Tensor] = []
    for name, tensor in members:
        found = next((candidate for candidate in names(name) if candidate in own), None)
        (unused if found is None else shares.setdefault(found, [])).append(tensor)
    answer = Match([])
    left: list[Operator] = []
    built: dict[str, list[Operator]] = {}
    for name, op in own.items():
        whole = stored(op, shares.get(name, []))
        if whole is None:
            unused += shares.get(name, [])
            left.append(op)
        else:
            built[name] = whole
    built |= _by_size(left, unused)
    left = [op for op in left if op.name not in built]
    form = most_common(unused)
    if left and form and sum(tensor.values for tensor in unused) == sum(op.copies * op.parameters for op in left):
        built |= {op.name: [replace(op, native_format=form)] for op in left}
        unused, left = [], []
    for op in operators:
        answer.operators += built.get(op.name, [op]) if op.name in own else [op]
    answer.unused, answer.unstored = unused, left
    return answer


def _stores(op: Operator) -> bool:
    return bool(op.parameters) and not (isinstance(op, MatMul) and op.tied)


def _by_size(operators: Sequence[Operator], tensors: list[Tensor]) -> dict[str, list[Operator]]:
    """Operators whose size is that of exactly one tensor that is left, which is taken."""
    answer: dict[str, list[Operator]] = {}
    for op in operators:
        fitting = [tensor for tensor in tensors if tensor.values == op.copies * op.parameters]
        if len({tensor.format for tensor in fitting}) == 1:
            answer[op.name] = [replace(op, native_format=fitting[0].format)]
            tensors.remove(fitting[0])
    return answer


def most_common(tensors: Sequence[Tensor]) -> str:
    """The format of most values; empty where there are none."""
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.format] = sizes.get(tensor.format, 0) + tensor.values
    return max(sizes, key=sizes.__getitem__) if sizes else ""
