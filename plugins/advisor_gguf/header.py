"""The header of a GGUF file, versions 1 to 3, either byte order: metadata and the table of tensors.

Nothing that the header claims is believed before the file is seen to be large enough for it. Source: the
GGUF specification, docs/gguf.md of ggml.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError
from advisor_gguf.stream import Stream
from advisor_gguf.types import REMOVED, TYPES, BlockType

MAGIC = b"GGUF"
MOST_ITEMS = 2_000_000  # strings in metadata arrays
MOST_TENSORS = 200_000
MOST_ENTRIES = 65_536
MOST_KEPT = 4096  # longest array whose values are kept
MOST_DIMENSIONS = 8
MOST_DEPTH = 3

_STRING, _ARRAY, _BOOL = 8, 9, 7
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table of tensors; ``offset`` counts from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type: BlockType
    offset: int

    @property
    def values(self) -> int:
        """Number of values."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    def size(self, block: BlockType | None = None) -> int:
        """Bytes without padding."""
        block = block or self.type
        return self.values // block.values * block.bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What one file says: metadata (long arrays as their length alone), tensors, and where their data is."""

    version: int
    big_endian: bool
    metadata: dict[str, Any]
    entries: list[Entry]
    alignment: int
    data_start: int
    file_size: int


@dataclass(frozen=True, slots=True)
class LongArray:
    """An array that was counted, not kept."""

    length: int


def read_header(path: Path) -> Header:
    """Read one file's header; raises ``ModelFileError`` in one line for anything that cannot be true."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        stream = Stream(raw, size, path)
        if stream.take(4, "the magic number") != MAGIC:
            raise ModelFileError(f"{path}: not a GGUF file: it does not start with 'GGUF'")
        version = stream.number("I", "the version")
        if version & 0xFFFF == 0 and version:
            stream.order = ">"
            version = int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in (1, 2, 3):
            raise ModelFileError(f"{path}: GGUF version {version} is not known; versions 1, 2 and 3 are read")
        stream.wide = version > 1
        tensors, entries = stream.length("the number of tensors"), stream.length("the number of metadata entries")
        # The least that an entry can take: a name's length, type and value; or name, dimensions, type and offset.
        if tensors > min(MOST_TENSORS, size // 24) or entries > min(MOST_ENTRIES, size // 8):
            raise stream.fail(f"it claims {tensors} tensors and {entries} metadata entries in {size} bytes")
        metadata = dict(_metadata(stream, entries))
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1) or alignment > 1 << 20:
            raise stream.fail(f"general.alignment is {str(alignment)[:40]}; expected a power of two such as 32")
        table = [_entry(stream, alignment) for _ in range(tensors)]
        start = -(-stream.position // alignment) * alignment
    if len({entry.name for entry in table}) != len(table):
        raise stream.fail("two tensors have the same name")
    return Header(version, stream.order == ">", metadata, table, alignment, start, size)


def _metadata(stream: Stream, count: int) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for _ in range(count):
        key = stream.text("a metadata key")
        if key in seen:
            raise stream.fail(f"the metadata key {key[:60]!r} is there twice")
        seen.add(key)
        yield key, _value(stream, stream.number("I", f"the type of {key[:60]!r}"), key[:60], 0)


def _value(stream: Stream, kind: int, key: str, depth: int) -> Any:
    if kind in _SCALARS:
        value = stream.number(_SCALARS[kind], f"the value of {key!r}")
        return bool(value) if kind == _BOOL else value
    if kind == _STRING:
        return stream.text(f"the value of {key!r}", most=8 << 20)
    if kind != _ARRAY:
        raise stream.fail(f"{key!r} has type {kind}, which GGUF does not have")
    if depth >= MOST_DEPTH:
        raise stream.fail(f"{key!r} holds arrays nested more than {MOST_DEPTH} deep")
    inner = stream.number("I", f"the type of {key!r}")
    length = stream.length(f"the length of {key!r}")
    if inner in _SCALARS:
        code = _SCALARS[inner]
        width = struct.calcsize("<" + code)
        if length > MOST_KEPT:
            stream.skip(length * width, f"the array {key!r}")
            return LongArray(length)
        return list(struct.unpack(f"{stream.order}{length}{code}", stream.take(length * width, f"the array {key!r}")))
    stream.items += length
    if stream.items > MOST_ITEMS:
        raise stream.fail(f"its arrays hold more than {MOST_ITEMS} items, more than any vocabulary has")
    if inner == _STRING:
        stream.skip_texts(length, f"the array {key!r}")
    else:
        for _ in range(length):
            _value(stream, inner, key, depth + 1)
    return LongArray(length)


def _entry(stream: Stream, alignment: int) -> Entry:
    name = stream.text("a tensor's name")
    count = stream.number("I", f"the dimensions of {name[:60]!r}")
    if count > MOST_DIMENSIONS:
        raise stream.fail(f"tensor {name[:60]!r} claims {count} dimensions; at most {MOST_DIMENSIONS} are read")
    shape = tuple(stream.length(f"the shape of {name[:60]!r}") for _ in range(count))
    code, offset = stream.number("I", f"the type of {name[:60]!r}"), stream.number("Q", f"the offset of {name[:60]!r}")
    if code in REMOVED:
        raise ModelFileError(f"{stream.path}: tensor {name[:60]!r} has type {REMOVED[code]}, which ggml has removed; "
                             "convert the original model again with a current llama.cpp")  # fmt: skip
    if code not in TYPES:
        raise ModelFileError(f"{stream.path}: tensor {name[:60]!r} has type {code}, which is not a known ggml type")
    block = TYPES[code]
    if any(extent <= 0 for extent in shape) or (shape and shape[0] % block.values):
        raise stream.fail(f"tensor {name[:60]!r} of shape {list(shape)} does not divide into {block.name} blocks "
                          f"of {block.values}")  # fmt: skip
    entry = Entry(name, shape, block, offset)
    if entry.values >= 1 << 63:
        raise stream.fail(f"tensor {name[:60]!r} claims {entry.values:.3g} values")
    if offset % alignment:
        raise stream.fail(f"tensor {name[:60]!r} starts at offset {offset}, not a multiple of {alignment}")
    return entry
