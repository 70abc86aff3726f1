"""Tensors as a header lists them, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from advisor.formats import format_named
from advisor.models import Layer
from advisor.operators import Operator
from advisor.records import replace


class Tensor(NamedTuple):
    """One tensor of a file: ``format`` is the advisor's name of how a value is stored, ``type`` the file's own.

    ``values`` are what the tensor stands for (two a byte where 4-bit values are packed), ``bytes`` what it
    takes in the file, padding excluded. ``shape`` is as the file has it.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    format: str
    values: int
    bytes: int


def by_type(tensors: Iterable[Tensor]) -> dict[str, dict[str, int]]:
    """Tensors, values and bytes of each of the file's own types, most bytes first."""
    answer: dict[str, dict[str, int]] = {}
    for tensor in tensors:
        entry = answer.setdefault(tensor.type, {"tensors": 0, "parameters": 0, "bytes": 0})
        entry["tensors"] += 1
        entry["parameters"] += tensor.values
        entry["bytes"] += tensor.bytes
    return dict(sorted(answer.items(), key=lambda item: -item[1]["bytes"]))


def stored_values(layers: Iterable[Layer]) -> dict[str, int]:
    """Values of the operators' weights by format, where every operator says its own."""
    answer: dict[str, int] = {}
    for layer in layers:
        for op in layer.operators:
            if op.native_format is not None and op.parameters:
                size = layer.count * op.copies * op.parameters
                answer[op.native_format] = answer.get(op.native_format, 0) + size
    return answer


def common_format(layers: Iterable[Layer]) -> str:
    """The format of most of the quantizable weights, else of most of all."""
    layers = list(layers)
    products = [replace(layer, operators=tuple(op for op in layer.operators if op.quantizable)) for layer in layers]
    sizes = stored_values(products) or stored_values(layers)
    return max(sizes, key=sizes.__getitem__) if sizes else "bf16"


def settle(layers: Iterable[Layer], weight_format: str) -> tuple[Layer, ...]:
    """Leave out what operators say of their format where the model's own says the same."""
    wide = weight_format if format_named(weight_format).bits >= 16 else "bf16"

    def plain(op: Operator) -> Operator:
        own = weight_format if op.quantizable else wide
        return replace(op, native_format=None) if op.native_format == own else op

    return tuple(replace(layer, operators=tuple(map(plain, layer.operators))) for layer in layers)


def attributes_of(tensors: list[Tensor], files: int = 1) -> Mapping[str, Any]:
    """What every reader of tensor tables says beside the layers."""
    return {"tensors": len(tensors), "files": files, "stored_bytes": sum(tensor.bytes for tensor in tensors),
            "bytes_by_type": by_type(tensors)}  # fmt: skip
