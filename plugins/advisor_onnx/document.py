"""The messages of an ONNX file as plain objects: graphs, nodes, tensors. Field numbers are those of onnx.proto."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass(slots=True)
class Tensor:
    """A stored tensor: what it is and where its bytes are; the bytes themselves stay in the file."""

    name: str = ""
    dims: Shape = ()
    dtype: int = 0
    raw: tuple[int, int] | None = None
    packed: tuple[int, int] | None = None  # int32_data, int64_data, float_data and the like
    packed_field: int = 0
    values: list[int] = field(default_factory=list)  # entries that are not packed
    external: dict[str, str] | None = None
    stored_elements: int | None = None  # of a sparse tensor: those that are there

    @property
    def elements(self) -> int:
        """Stored values."""
        return math.prod(self.dims) if self.stored_elements is None else self.stored_elements


@dataclass(slots=True)
class ValueInfo:
    """A declared value. ``dims`` holds a number, a symbolic name, or None for each axis; None: rank unknown."""

    name: str
    dtype: int = 0
    dims: list[int | str | None] | None = None
    kind: str = "tensor"


@dataclass(slots=True)
class Node:
    """One node: an operator's name with inputs, outputs and attributes."""

    op_type: str = ""
    domain: str = ""
    name: str = ""
    overload: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)  # attribute to attribute of the enclosing function


@dataclass(slots=True)
class Graph:
    """Nodes in the order of the file, stored tensors, and declared values."""

    name: str = ""
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    inputs: list[ValueInfo] = field(default_factory=list)
    outputs: list[ValueInfo] = field(default_factory=list)
    values: dict[str, ValueInfo] = field(default_factory=dict)


@dataclass(slots=True)
class Function:
    """An operator that the file defines by a graph of its own."""

    name: str = ""
    domain: str = ""
    overload: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    opsets: dict[str, int] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Document:
    """A whole file."""

    graph: Graph | None = None
    ir_version: int = 0
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    functions: dict[tuple[str, str, str], Function] = field(default_factory=dict)
