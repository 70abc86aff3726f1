"""Stored tensors: sizes checked against the bytes that are there, and the values of small ones."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from advisor_graph.weights import Weight
from advisor_onnx.document import Tensor
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.kinds import KINDS
from advisor_onnx.values import MOST_KNOWN, MOST_SIZE, Value
from advisor_onnx.wire import Wire

#: Packed fields of a TensorProto whose entries have a fixed size.
_ENTRY_BYTES = {4: 4, 10: 8}
_NUMPY = {4: "<f4", 10: "<f8"}
_REAL = ("float", "double", "float16")


class Store:
    """Turns tensors of one file into values; ``folder`` is where its external data must lie."""

    def __init__(self, wire: Wire, folder: Path | None) -> None:
        self.wire = wire
        self.folder = folder
        self.external_bytes = 0
        self.missing: dict[str, None] = {}
        self._sizes: dict[str, int | None] = {}

    def value(self, tensor: Tensor, literal: bool = False) -> Value:
        """Check a tensor's size and return it as a constant."""
        kind = KINDS.get(tensor.dtype)
        if kind is None:
            raise OnnxError(
                f"tensor {shown(tensor.name)} has element type {tensor.dtype}; ONNX knows 1 to {max(KINDS)}"
            )
        if tensor.elements > MOST_SIZE:
            raise OnnxError(f"tensor {shown(tensor.name)} claims shape {shown(tensor.dims)}: more than can be stored")
        self._check_size(tensor, kind.bits)
        rank = sum(size > 1 for size in tensor.dims)
        weight = Weight(tensor.name, tensor.elements, kind.format, kind.name, kind.floating, rank, literal)
        data = self._data(tensor) if 0 <= tensor.elements <= MOST_KNOWN else None
        return Value(tensor.dims, tensor.dtype, data, (weight,), constant=True)

    def _check_size(self, tensor: Tensor, bits: int) -> None:
        wanted = (tensor.elements * bits + 7) // 8
        there: int | None = None
        if tensor.external is not None:
            self._check_external(tensor, wanted)
        elif tensor.stored_elements is None and bits:
            if tensor.raw is not None:
                there = tensor.raw[1] - tensor.raw[0]
            elif tensor.packed is not None:
                size = tensor.packed[1] - tensor.packed[0]
                each = _ENTRY_BYTES.get(tensor.packed_field)
                if each is not None:
                    pairs = 2 if KINDS[tensor.dtype].name.startswith("complex") else 1
                    there, wanted = size, tensor.elements * each * pairs
                elif not size <= 10 * tensor.elements or (bits >= 8 and size < tensor.elements):
                    there = size
            elif not tensor.values:
                there = 0
        if there is not None and there != wanted:
            raise OnnxError(
                f"tensor {shown(tensor.name)} of shape {shown(tensor.dims)} needs {wanted} bytes; the file holds "
                f"{there}"
            )

    def _check_external(self, tensor: Tensor, wanted: int) -> None:
        """Refuse what lies outside the folder; look only at the size of a plain file inside it."""
        found = tensor.external or {}
        location = found.get("location", "")
        parts = PurePosixPath(location.replace("\\", "/")).parts
        if not location or "\0" in location or location.startswith(("/", "\\", "~")) or ".." in parts or \
                PureWindowsPath(location).drive:  # fmt: skip
            raise OnnxError(
                f"tensor {shown(tensor.name)}: its data is in {shown(location)}; only files inside the model's "
                "folder are looked at"
            )
        offset, length = (self._number(tensor, found, key) for key in ("offset", "length"))
        if length is not None and length != wanted:
            raise OnnxError(
                f"tensor {shown(tensor.name)} of shape {shown(tensor.dims)} needs {wanted} bytes; its entry "
                f"claims {length}"
            )
        self.external_bytes += wanted
        size = self._size(location)
        if size is not None and (offset or 0) + wanted > size:
            raise OnnxError(
                f"tensor {shown(tensor.name)} ends at byte {(offset or 0) + wanted} of {shown(location)}, which "
                f"has {size} bytes"
            )

    def _number(self, tensor: Tensor, found: dict[str, str], key: str) -> int | None:
        text = found.get(key)
        if text is None or text == "":
            return None
        if not text.isdecimal() or len(text) > 18:
            raise OnnxError(f"tensor {shown(tensor.name)}: {key} of its external data is {shown(text)}; expected bytes")
        return int(text)

    def _size(self, location: str) -> int | None:
        """Size of an external file; None if it is not there, or not a plain file inside the folder."""
        if self.folder is None:
            return None
        if location not in self._sizes:
            path = self.folder / location
            try:
                inside = path.parent.resolve().is_relative_to(self.folder.resolve())
                found = path.lstat() if inside else None
            except (OSError, ValueError):
                found = None
            plain = found is not None and stat.S_ISREG(found.st_mode)
            self._sizes[location] = found.st_size if found is not None and plain else None
            if not plain:
                self.missing[location] = None
        return self._sizes[location]

    def _data(self, tensor: Tensor) -> Any:
        """Values of a small tensor as int64, float64 or bool; None where they are not at hand."""
        kind = KINDS[tensor.dtype]
        if tensor.external is not None or tensor.stored_elements is not None or not kind.bits:
            return None
        wire = self.wire
        if tensor.raw is not None:
            if not kind.numpy or kind.name.startswith("complex"):
                return None
            array = np.frombuffer(wire.bytes(*tensor.raw), kind.numpy)
        elif tensor.packed is not None:
            field = tensor.packed_field
            if kind.name.startswith("complex"):
                return None
            if field in _NUMPY:
                array = np.frombuffer(wire.bytes(*tensor.packed), _NUMPY[field])
            else:
                array = np.array(wire.integers(*tensor.packed, MOST_KNOWN), dtype=np.int64)
        else:
            array = np.array(tensor.values, dtype=np.int64)
        if kind.bits < 8 or array.size != tensor.elements:
            return None
        if tensor.raw is None and kind.name == "float16":
            array = array.astype(np.uint16).view(np.float16)
        elif tensor.raw is None and kind.floating and kind.name not in _REAL:
            return None
        wide = np.float64 if kind.floating else bool if kind.name == "bool" else np.int64
        return array.astype(wide).reshape(tensor.dims)
