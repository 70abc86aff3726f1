"""Shares the tensors of one block out among the operators that the architecture gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from advisor.operators import MatMul, Operator
from advisor.records import replace
from advisor_safetensors.stored import stored
from advisor_tensors import Tensor

Named = tuple[str, Tensor]  # the name within the block, and the tensor


@dataclass
class Match:
    """What each operator became, in their order, and what is left of either side."""

    parts: list[list[Operator]]
    unused: list[Tensor] = field(default_factory=list)
    unstored: list[Operator] = field(default_factory=list)

    @property
    def operators(self) -> list[Operator]:
        """All of them in a row."""
        return [op for part in self.parts for op in part]


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
        return Match([[replace(op, native_format=form) if _stores(op) else op] for op in operators])
    own = {place: op for place, op in enumerate(operators) if _stores(op)}
    places = {op.name: place for place, op in reversed(own.items())}
    shares: dict[int, list[Tensor]] = {}
    unused: list[Tensor] = []
    for name, tensor in members:
        found = next((places[candidate] for candidate in names(name) if candidate in places), None)
        (unused if found is None else shares.setdefault(found, [])).append(tensor)
    built: dict[int, list[Operator]] = {}
    for place, op in own.items():
        whole = stored(op, shares.get(place, []))
        if whole is None:
            unused += shares.get(place, [])
        else:
            built[place] = whole
    built |= _by_size({place: op for place, op in own.items() if place not in built}, unused)
    left = {place: op for place, op in own.items() if place not in built}
    form = most_common(unused)
    missed = sum(op.copies * op.parameters for op in left.values())
    if left and form and sum(tensor.values for tensor in unused) == missed:
        built |= {place: [replace(op, native_format=form)] for place, op in left.items()}
        unused, left = [], {}
    parts = [built.get(place, [op]) for place, op in enumerate(operators)]
    return Match(parts, surplus(unused, left.values()), list(left.values()))


def _stores(op: Operator) -> bool:
    return bool(op.parameters) and not (isinstance(op, MatMul) and op.tied)


def surplus(tensors: Sequence[Tensor], operators: Iterable[Operator]) -> list[Tensor]:
    """What tensors hold beyond operators that nothing else was found for; those keep their own figures."""
    missed = sum(op.copies * op.parameters for op in operators)
    more = sum(tensor.values for tensor in tensors) - missed
    if not missed or not tensors:
        return list(tensors)
    first = max(tensors, key=lambda tensor: tensor.values)
    blank = Tensor("", (more,), first.type, first.format, more, more * first.bytes // max(first.values, 1))
    return [blank] if more > 0 else []


def _by_size(operators: Mapping[int, Operator], tensors: list[Tensor]) -> dict[int, list[Operator]]:
    """Operators whose size is that of one tensor that is left, or of several of one format; it is taken."""
    answer: dict[int, list[Operator]] = {}
    for place, op in operators.items():
        fitting = [tensor for tensor in tensors if tensor.values == op.copies * op.parameters]
        if len({tensor.format for tensor in fitting}) == 1:
            answer[place] = [replace(op, native_format=fitting[0].format)]
            tensors.remove(fitting[0])
    return answer


def most_common(tensors: Sequence[Tensor]) -> str:
    """The format of most values; empty where there are none."""
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.format] = sizes.get(tensor.format, 0) + tensor.values
    return max(sizes, key=sizes.__getitem__) if sizes else ""
