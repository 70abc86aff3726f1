"""Makes layers of what a walk collected."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.formats import format_named
from advisor.models import Layer
from advisor.operators import Operator
from advisor.records import replace
from advisor_graph.placed import Placed

#: Above so many nodes, those of equal shapes are shown as one layer with a count.
MOST_LAYERS = 400


def operators_of(placed: Iterable[Placed]) -> Iterable[Operator]:
    """All operators."""
    return (op for one in placed for op in one.operators)


def main_format(placed: Iterable[Placed], default: str = "fp32") -> str:
    """The format of most stored values."""
    by_format: dict[str, int] = {}
    for op in operators_of(placed):
        if op.native_format and op.parameters:
            by_format[op.native_format] = by_format.get(op.native_format, 0) + op.copies * op.parameters
    return max(by_format, key=lambda key: by_format[key], default=default)


def to_layers(placed: Iterable[Placed], main: str) -> tuple[Layer, ...]:
    """One layer a node; of a long graph, one for all nodes of the same shapes, in order of first appearance."""
    held = [
        Layer(name=one.name, kind=one.kind, operators=tuple(_plain(op, main) for op in one.operators))
        for one in placed if one.operators
    ]  # fmt: skip
    if len(held) <= MOST_LAYERS:
        return tuple(held)
    groups: dict[tuple[str, tuple[Operator, ...]], list[Layer]] = {}
    for layer in held:
        groups.setdefault((layer.kind, layer.operators), []).append(layer)
    return tuple(replace(members[0], count=len(members), name=_title(members)) for members in groups.values())


def _title(members: list[Layer]) -> str:
    first = members[0].name
    return first if len(members) == 1 else f"{first} and {len(members) - 1} like it"


def _plain(op: Operator, main: str) -> Operator:
    """Say nothing of a format that is the model's own."""
    if op.native_format == main and (op.quantizable or format_named(main).bits >= 16):
        return replace(op, native_format=None)
    return op
