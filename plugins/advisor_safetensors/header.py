"""The header of one safetensors file: 8 bytes of length, then JSON. Nothing in it is believed unchecked.

Source: the format's description in the README of huggingface/safetensors, and its ``Dtype``.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError
from advisor_tensors import Tensor

MOST_HEADER_BYTES = 100_000_000  # the limit of the safetensors library itself
MOST_TENSORS = 250_000

#: Bits a value, and the advisor's name of the format.
DTYPES: dict[str, tuple[int, str]] = {
    "BOOL": (8, "int8"), "F4": (4, "packed4"), "F6_E2M3": (6, "packed6"), "F6_E3M2": (6, "packed6"),
    "U8": (8, "int8"), "I8": (8, "int8"), "F8_E5M2": (8, "fp8"), "F8_E4M3": (8, "fp8"), "F8_E8M0": (8, "fp8"),
    "F8_E4M3FNUZ": (8, "fp8"), "F8_E5M2FNUZ": (8, "fp8"), "I16": (16, "int16"), "U16": (16, "int16"),
    "F16": (16, "fp16"), "BF16": (16, "bf16"), "I32": (32, "int32"), "U32": (32, "int32"), "F32": (32, "fp32"),
    "C64": (64, "fp64"), "F64": (64, "fp64"), "I64": (64, "int64"), "U64": (64, "int64"),
}  # fmt: skip


def read_header(path: Path) -> list[Tensor]:
    """Read the tensors of one file; raises ``ModelFileError`` in one line for anything that cannot be true."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        first = stream.read(8)
        if len(first) < 8:
            raise ModelFileError(f"{path}: too short for a safetensors file: {size} bytes")
        length = int.from_bytes(first, "little")
        if length > MOST_HEADER_BYTES or length > size - 8:
            raise ModelFileError(f"{path}: its header claims {length} bytes in a file of {size} bytes; at most "
                                 f"{MOST_HEADER_BYTES} are read")  # fmt: skip
        raw = stream.read(length)
    if len(raw) < length:
        raise ModelFileError(f"{path}: its header is cut off")
    document = _parse(raw, path)
    document.pop("__metadata__", None)
    if len(document) > MOST_TENSORS:
        raise ModelFileError(f"{path}: lists {len(document)} tensors; at most {MOST_TENSORS} are read")
    room = size - 8 - length
    spans: list[tuple[int, int, str]] = []
    tensors: list[Tensor] = []
    for name, entry in document.items():
        tensor, begin = _plain(name, entry, room) or _checked(name, entry, room, path)
        tensors.append(tensor)
        if tensor.bytes:
            spans.append((begin, begin + tensor.bytes, name))
    spans.sort()
    end, owner = 0, ""
    for begin, stop, name in spans:
        if begin < end:
            raise ModelFileError(f"{path}: damaged safetensors file: tensors {owner[:60]!r} and {name[:60]!r} overlap")
        end, owner = stop, name
    return tensors


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    parts = raw.count(b"{"), raw.count(b"[") // 2, raw.count(b",") // 16
    if max(parts) > MOST_TENSORS + 2:
        raise ModelFileError(f"{path}: its header has more parts than any checkpoint needs")
    try:
        text = raw.decode("utf-8")
        document = json.loads(text)
        # A name that is there twice leaves fewer tensors than entries; what else may do so is looked at closely too.
        if isinstance(document, dict) and text.count('"data_offsets"') != len(document) - ("__metadata__" in document):
            document = json.loads(text, object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise ModelFileError(f"{path}: its header is not UTF-8 text") from None
    except RecursionError:
        raise ModelFileError(f"{path}: its header is nested too deeply") from None
    except ValueError as error:
        raise ModelFileError(f"{path}: its header is not valid JSON ({str(error)[:100]})") from None
    if not isinstance(document, dict):
        raise ModelFileError(f"{path}: its header holds no JSON object of tensors")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    answer = dict(pairs)
    if len(answer) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice[:60]!r} is there twice")
    return answer


def _plain(name: str, entry: Any, room: int) -> tuple[Tensor, int] | None:
    """The tensor of an entry that has nothing wrong with it; None where it must be looked at closely."""
    try:
        bits, form = DTYPES[entry["dtype"]]
        begin, end = entry["data_offsets"]
        values = 1
        for extent in entry["shape"]:
            if type(extent) is not int or extent < 0:
                return None
            values *= extent
        fits = type(begin) is type(end) is int and 0 <= begin <= end <= room and values * bits == 8 * (end - begin)
        if not fits or type(entry["shape"]) is not list or len(entry["shape"]) > 64:
            return None
        return Tensor(name, tuple(entry["shape"]), entry["dtype"], form, values, end - begin), begin
    except (KeyError, TypeError, ValueError):
        return None


def _checked(name: str, entry: Any, room: int, path: Path) -> tuple[Tensor, int]:
    where = f"{path}: tensor {name[:60]!r}"
    if not isinstance(entry, dict):
        raise ModelFileError(f"{where}: must be an object with dtype, shape and data_offsets")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError(f"{where}: dtype {str(dtype)[:40]!r} is not known; known: {', '.join(DTYPES)}")
    if not isinstance(shape, list) or len(shape) > 64 or not all(type(size) is int and size >= 0 for size in shape):
        raise ModelFileError(f"{where}: shape must be a list of whole numbers, not {str(shape)[:60]}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        raise ModelFileError(f"{where}: data_offsets must be two whole numbers, not {str(offsets)[:60]}")
    begin, end = offsets
    if not 0 <= begin <= end:
        raise ModelFileError(f"{where}: data_offsets [{str(begin)[:30]}, {str(end)[:30]}] are not in order")
    if end > room:
        raise ModelFileError(f"{where}: ends at byte {str(end)[:30]} of {room} bytes of data: cut off or damaged")
    bits, form = DTYPES[dtype]
    values = prod(shape)
    if values * bits != 8 * (end - begin):
        raise ModelFileError(f"{where}: {dtype} of shape {str(shape)[:60]} does not take the {end - begin} bytes that "
                             "its data_offsets give it")  # fmt: skip
    return Tensor(name, tuple(shape), dtype, form, values, end - begin), begin
