"""Parses the messages of an ONNX file. Field numbers: onnx.proto, https://github.com/onnx/onnx."""

from __future__ import annotations

from typing import Any

from advisor_onnx.document import Document, Function, Graph, Node, Tensor, ValueInfo
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.wire import BYTES, FIXED32, VARINT, Wire

MOST_RANK = 64
MOST_LIST = 2_000_000
MOST_DEPTH = 16
MOST_NODES = 200_000

#: Fields of ModelProto with their wire types: what makes a file an ONNX file.
MODEL_FIELDS = {1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES, 14: BYTES,
                20: BYTES, 25: BYTES, 26: BYTES}  # fmt: skip
_PACKED = {4: "float_data", 5: "int32_data", 7: "int64_data", 10: "double_data", 11: "uint64_data"}


class Parser:
    """Parses one file; counts its nodes."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.nodes = 0
        self.listed = 0

    def document(self) -> Document:
        """Parse the ``ModelProto``."""
        wire, answer = self.wire, Document()
        graph: tuple[int, int] | None = None
        functions: list[tuple[int, int]] = []
        for number, kind, start, stop in wire.fields(0, wire.size):
            if MODEL_FIELDS.get(number, kind) != kind:
                raise OnnxError(f"field {number} of the model has the wrong type; damaged, or not ONNX")
            if number == 1:
                answer.ir_version = wire.signed(start)
            elif number == 2:
                answer.producer = wire.text(start, stop)
            elif number == 7:
                graph = (start, stop)
            elif number == 8:
                domain, version = self._opset(start, stop)
                answer.opsets[domain] = version
            elif number == 25:
                functions.append((start, stop))
        if graph is None:
            raise OnnxError("holds no graph; damaged, or not ONNX")
        answer.graph = self.graph(*graph)
        for where in functions:
            function = self._function(*where)
            answer.functions[function.domain, function.name, function.overload] = function
        return answer

    def _opset(self, start: int, stop: int) -> tuple[str, int]:
        domain, version = "", 0
        for number, kind, first, last in self.wire.fields(start, stop):
            if number == 1 and kind == BYTES:
                domain = _domain(self.wire.text(first, last))
            elif number == 2 and kind == VARINT:
                version = self.wire.signed(first)
        return domain, version

    def graph(self, start: int, stop: int, depth: int = 0) -> Graph:
        """Parse a ``GraphProto``."""
        if depth > MOST_DEPTH:
            raise OnnxError(f"graphs are nested more than {MOST_DEPTH} deep")
        wire, answer = self.wire, Graph()
        for number, kind, first, last in wire.fields(start, stop):
            if kind != BYTES:
                continue
            if number == 1:
                answer.nodes.append(self.node(first, last, depth))
            elif number == 2:
                answer.name = wire.text(first, last)
            elif number in (5, 15):
                tensor = self.tensor(first, last) if number == 5 else self.sparse_tensor(first, last)
                answer.tensors[tensor.name] = tensor
            elif number in (11, 12, 13):
                info = self.value_info(first, last)
                if number == 13:
                    answer.values[info.name] = info
                else:
                    (answer.inputs if number == 11 else answer.outputs).append(info)
        return answer

    def node(self, start: int, stop: int, depth: int = 0) -> Node:
        """Parse a ``NodeProto``."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise OnnxError(f"holds more than {MOST_NODES} nodes; this reader stops there")
        wire, answer = self.wire, Node()
        for number, kind, first, last in wire.fields(start, stop):
            if kind != BYTES:
                continue
            if number == 1:
                answer.inputs.append(wire.text(first, last))
            elif number == 2:
                answer.outputs.append(wire.text(first, last))
            elif number == 3:
                answer.name = wire.text(first, last)
            elif number == 4:
                answer.op_type = wire.text(first, last)
            elif number == 5:
                name, value, reference = self.attribute(first, last, depth)
                if reference:
                    answer.references[name] = reference
                else:
                    answer.attributes[name] = value
            elif number == 7:
                answer.domain = _domain(wire.text(first, last))
            elif number == 8:
                answer.overload = wire.text(first, last)
        return answer

    def attribute(self, start: int, stop: int, depth: int) -> tuple[str, Any, str]:
        """Parse an ``AttributeProto``: name, value, and the function's attribute that it refers to instead."""
        wire = self.wire
        name, reference = "", ""
        value: Any = None
        several: list[Any] = []
        declared = 0
        for number, kind, first, last in wire.fields(start, stop):
            if number == 1 and kind == BYTES:
                name = wire.text(first, last)
            elif number == 2 and kind == FIXED32:
                value = wire.float32(first)
            elif number == 3 and kind == VARINT:
                value = wire.signed(first)
            elif number == 4 and kind == BYTES:  # a long value (an embedded engine) is of no use here
                value = wire.text(first, last) if last - first <= 4096 else ""
            elif number == 5 and kind == BYTES:
                value = self.tensor(first, last)
            elif number == 6 and kind == BYTES:
                value = self.graph(first, last, depth + 1)
            elif number == 7 and kind == FIXED32:
                several.append(wire.float32(first))
                self._listed(1)
            elif number == 7 and kind == BYTES:
                if last - first > 4 * MOST_LIST:
                    raise OnnxError(f"attribute {shown(name)} holds {(last - first) // 4} numbers")
                self._listed((last - first) // 4)
                several += [wire.float32(place) for place in range(first, last - 3, 4)]
            elif number == 8 and kind == VARINT:
                several.append(wire.signed(first))
                self._listed(1)
            elif number == 8 and kind == BYTES:
                several += wire.integers(first, last, MOST_LIST)
                self._listed(len(several))
            elif number == 9 and kind == BYTES:
                several.append(wire.text(first, last))
            elif number == 11 and kind == BYTES:
                several.append(self.graph(first, last, depth + 1))
            elif number == 20 and kind == VARINT:
                declared = first
            elif number == 21 and kind == BYTES:
                reference = wire.text(first, last)
            elif number == 22 and kind == BYTES:
                value = self.sparse_tensor(first, last)
        if value is None:
            # Zero and empty are not written by some exporters; the declared type tells them apart.
            value = several if several or declared not in (1, 2, 3) else {1: 0.0, 2: 0, 3: ""}[declared]
        return name, value, reference

    def _listed(self, count: int) -> None:
        """Count numbers in lists: all lists of a file share one limit."""
        self.listed += count
        if self.listed > MOST_LIST:
            raise OnnxError(f"its attributes list more than {MOST_LIST} numbers; this reader stops there")

    def tensor(self, start: int, stop: int) -> Tensor:
        """Parse a ``TensorProto`` without its values."""
        wire, answer = self.wire, Tensor()
        dims: list[int] = []
        location = 0
        external: dict[str, str] = {}
        for number, kind, first, last in wire.fields(start, stop):
            if number == 1:
                dims += [wire.signed(first)] if kind == VARINT else wire.integers(first, last, MOST_RANK)
            elif number == 2 and kind == VARINT:
                answer.dtype = first
            elif number in _PACKED and kind == BYTES:
                answer.packed, answer.packed_field = (first, last), number
            elif number in (5, 7, 11) and kind == VARINT:
                answer.packed_field = number
                if len(answer.values) <= MOST_LIST:
                    answer.values.append(wire.signed(first))
            elif number == 8 and kind == BYTES:
                answer.name = wire.text(first, last)
            elif number == 9 and kind == BYTES:
                answer.raw = (first, last)
            elif number == 13 and kind == BYTES:
                key, text = self._pair(first, last)
                external[key] = text
            elif number == 14 and kind == VARINT:
                location = first
        if len(dims) > MOST_RANK or any(size < 0 for size in dims):
            raise OnnxError(f"tensor {shown(answer.name)} has dimensions {shown(dims)}; expected sizes of zero or more")
        answer.dims = tuple(dims)
        if location == 1:
            answer.external = external
        return answer

    def sparse_tensor(self, start: int, stop: int) -> Tensor:
        """Parse a ``SparseTensorProto`` as the tensor that it stands for."""
        answer = Tensor()
        dims: list[int] = []
        for number, kind, first, last in self.wire.fields(start, stop):
            if number == 1 and kind == BYTES:
                answer = self.tensor(first, last)
            elif number == 3:
                dims += [self.wire.signed(first)] if kind == VARINT else self.wire.integers(first, last, MOST_RANK)
        if any(size < 0 for size in dims) or len(dims) > MOST_RANK:
            raise OnnxError(f"tensor {shown(answer.name)} has dimensions {shown(dims)}; expected sizes of zero or more")
        answer.stored_elements, answer.dims = answer.elements, tuple(dims)
        answer.raw = answer.packed = None
        return answer

    def _pair(self, start: int, stop: int) -> tuple[str, str]:
        key, value = "", ""
        for number, kind, first, last in self.wire.fields(start, stop):
            if kind == BYTES and number == 1:
                key = self.wire.text(first, last)
            elif kind == BYTES and number == 2:
                value = self.wire.text(first, last)
        return key, value

    def value_info(self, start: int, stop: int) -> ValueInfo:
        """Parse a ``ValueInfoProto``."""
        answer = ValueInfo("")
        for number, kind, first, last in self.wire.fields(start, stop):
            if kind == BYTES and number == 1:
                answer.name = self.wire.text(first, last)
            elif kind == BYTES and number == 2:
                self._type(answer, first, last, 0)
        return answer

    def _type(self, answer: ValueInfo, start: int, stop: int, depth: int) -> None:
        """Read a ``TypeProto``; of a sequence or an optional, the type that it holds."""
        if depth > MOST_DEPTH:
            raise OnnxError(f"types are nested more than {MOST_DEPTH} deep")
        for number, kind, first, last in self.wire.fields(start, stop):
            if kind != BYTES:
                continue
            if number in (1, 8):
                self._tensor_type(answer, first, last)
            elif number in (4, 9):
                answer.kind = "sequence" if number == 4 or answer.kind == "sequence" else "optional"
                for inner, wire, begin, end in self.wire.fields(first, last):
                    if inner == 1 and wire == BYTES:
                        self._type(answer, begin, end, depth + 1)
            elif number == 5:
                answer.kind = "map"

    def _tensor_type(self, answer: ValueInfo, start: int, stop: int) -> None:
        for number, kind, first, last in self.wire.fields(start, stop):
            if number == 1 and kind == VARINT:
                answer.dtype = first
            elif number == 2 and kind == BYTES:
                answer.dims = []
                for inner, wire, begin, end in self.wire.fields(first, last):
                    if inner == 1 and wire == BYTES:
                        answer.dims.append(self._dimension(begin, end))
                        if len(answer.dims) > MOST_RANK:
                            raise OnnxError(f"value {shown(answer.name)} has more than {MOST_RANK} axes")

    def _dimension(self, start: int, stop: int) -> int | str | None:
        for number, kind, first, last in self.wire.fields(start, stop):
            if number == 1 and kind == VARINT:
                size = self.wire.signed(first)
                return size if size >= 0 else None
            if number == 2 and kind == BYTES:
                return self.wire.text(first, last) or None
        return None

    def _function(self, start: int, stop: int) -> Function:
        wire, answer = self.wire, Function()
        for number, kind, first, last in wire.fields(start, stop):
            if kind != BYTES:
                continue
            if number == 1:
                answer.name = wire.text(first, last)
            elif number == 4:
                answer.inputs.append(wire.text(first, last))
            elif number == 5:
                answer.outputs.append(wire.text(first, last))
            elif number == 7:
                answer.nodes.append(self.node(first, last))
            elif number == 9:
                domain, version = self._opset(first, last)
                answer.opsets[domain] = version
            elif number == 10:
                answer.domain = _domain(wire.text(first, last))
            elif number == 11:
                name, value, _ = self.attribute(first, last, 0)
                answer.defaults[name] = value
            elif number == 13:
                answer.overload = wire.text(first, last)
        return answer


def _domain(name: str) -> str:
    """The default operator set has two names."""
    return "" if name == "ai.onnx" else name
