"""Reads text attributes of the root group of an HDF5 file, and nothing else of it.

The HDF5 library, given a hostile file, can loop for minutes or allocate gigabytes; this reader takes
few, bounded, steps. Layout after the HDF5 File Format Specification, version 3.0 (The HDF Group):
superblock (II), object headers (IV.A.1), attribute message (IV.A.2.m), global heap (III.E).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from advisor_keras.config import ConfigError

MAGIC = b"\x89HDF\r\n\x1a\n"

MOST_CHUNKS = 64
MOST_CHUNK_BYTES = 1 << 20
MOST_MESSAGES = 4096
MOST_HEAP_OBJECTS = 65_536

_ATTRIBUTE, _CONTINUATION, _ATTRIBUTE_INFO = 0x0C, 0x10, 0x15
_STRING, _VARIABLE_LENGTH = 3, 9


class DamagedFileError(ConfigError):
    """The file does not follow the HDF5 format where it is read."""

    def __init__(self, what: str) -> None:
        super().__init__(f"damaged HDF5 file ({what})")


class RootAttributes:
    """The attributes of the root group of an open HDF5 file."""

    def __init__(self, stream: BinaryIO, most_bytes: int) -> None:
        self._stream = stream
        self._most_bytes = most_bytes
        self._offset_size = self._length_size = 8
        self._base = 0
        self._root = self._superblock()
        self._messages: dict[str, bytes] | None = None
        self.dense = False  # attributes outside the header, as HDF5 keeps many or large ones

    def text(self, name: str) -> bytes | None:
        """Return a scalar text attribute, None if the header has none of that name."""
        if self._messages is None:
            self._messages = dict(self._attributes())
        body = self._messages.get(name)
        return None if body is None else self._value(name, body)

    def _read(self, position: int, size: int) -> bytes:
        if size < 0 or position < 0 or position >= 2**62:
            raise DamagedFileError(f"an address of {position} with {size} bytes")
        self._stream.seek(position)
        raw = self._stream.read(size)
        if len(raw) < size:
            raise DamagedFileError(f"it ends where {size} bytes at {position} were expected")
        return raw

    def _offset(self, raw: bytes, at: int) -> int:
        """Return an address in the file; relative addresses count from the base address."""
        field = raw[at : at + self._offset_size]
        if len(field) < self._offset_size or field == b"\xff" * self._offset_size:
            raise DamagedFileError("an address is missing")
        return self._base + int.from_bytes(field, "little")

    def _superblock(self) -> int:
        """Return the address of the root group's object header."""
        start = self._stream.read(96)
        if not start.startswith(MAGIC) or len(start) < 48:
            raise DamagedFileError("no superblock")
        version = start[8]
        if version > 3:
            raise DamagedFileError(f"superblock version {version}")
        sizes = start[13:15] if version < 2 else start[9:11]
        self._offset_size, self._length_size = sizes
        if any(size not in (2, 4, 8) for size in sizes):
            raise DamagedFileError("addresses of an unknown size")
        first = {0: 24, 1: 28, 2: 12, 3: 12}[version]
        base = int.from_bytes(start[first : first + self._offset_size], "little")
        # Four addresses come first in the old form (then a link name offset), three in the new.
        root = self._offset(start, first + self._offset_size * (5 if version < 2 else 3))
        self._base = base
        end = base + int.from_bytes(start[first + 2 * self._offset_size : first + 3 * self._offset_size], "little")
        size = self._stream.seek(0, 2)
        if size < end:
            raise DamagedFileError(f"cut short: {size} of {end} bytes are there")
        return root + base

    def _attributes(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and message body of each attribute."""
        for kind, flags, body in self._header_messages():
            if kind == _ATTRIBUTE_INFO:
                self.dense = True
            if kind == _ATTRIBUTE and not flags & 0x02 and len(body) >= 8:
                name_size = int.from_bytes(body[2:4], "little")
                start = 9 if body[0] == 3 else 8
                name = body[start : start + name_size].split(b"\0")[0]
                yield name.decode("utf-8", "replace"), body

    def _header_messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield type, flags and body of the messages of the root's object header, following continuations."""
        new = self._read(self._root, 4) == b"OHDR"
        chunks = [self._first_chunk_new() if new else self._first_chunk_old()]
        seen: set[int] = set()
        count = 0
        ordered = new and self._read(self._root + 5, 1)[0] & 0x04
        head = (6 if ordered else 4) if new else 8
        while chunks:
            position, size = chunks.pop(0)
            if position in seen or len(seen) >= MOST_CHUNKS or size > MOST_CHUNK_BYTES:
                raise DamagedFileError("object header chunks that loop or are too many")
            seen.add(position)
            raw = self._read(position, size)
            at = 0
            while at + head <= size:
                kind = raw[at] if new else int.from_bytes(raw[at : at + 2], "little")
                length = int.from_bytes(raw[at + 1 : at + 3] if new else raw[at + 2 : at + 4], "little")
                flags = raw[at + 3] if new else raw[at + 4]
                body = raw[at + head : at + head + length]
                count += 1
                if count > MOST_MESSAGES or len(body) < length:
                    raise DamagedFileError("object header messages that do not fit")
                if kind == _CONTINUATION:
                    chunks.append(self._continued(body, new))
                else:
                    yield kind, flags, body
                at += head + length

    def _first_chunk_old(self) -> tuple[int, int]:
        raw = self._read(self._root, 16)
        if raw[0] != 1:
            raise DamagedFileError(f"object header version {raw[0]}")
        return self._root + 16, int.from_bytes(raw[8:12], "little")

    def _first_chunk_new(self) -> tuple[int, int]:
        raw = self._read(self._root, 6)
        if raw[4] != 2:
            raise DamagedFileError(f"object header version {raw[4]}")
        flags = raw[5]
        at = self._root + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 0x03)
        return at + width, int.from_bytes(self._read(at, width), "little")

    def _continued(self, body: bytes, new: bool) -> tuple[int, int]:
        position = self._offset(body, 0)
        size = int.from_bytes(body[self._offset_size : self._offset_size + self._length_size], "little")
        if not new:
            return position, size
        if self._read(position, 4) != b"OCHK":
            raise DamagedFileError("an object header chunk without its mark")
        return position + 4, size - 8  # the mark before, a checksum after

    def _value(self, name: str, body: bytes) -> bytes:
        version, flags = body[0], body[1]
        if version not in (1, 2, 3) or (version > 1 and flags & 0x03):
            raise DamagedFileError(f"attribute {name} of an unknown form")
        sizes = [int.from_bytes(body[at : at + 2], "little") for at in (2, 4, 6)]
        step = 8 if version == 1 else 1
        at = (9 if version == 3 else 8) + -(-sizes[0] // step) * step
        datatype = body[at : at + sizes[1]]
        at += -(-sizes[1] // step) * step
        dataspace = body[at : at + sizes[2]]
        data = body[at + -(-sizes[2] // step) * step :]
        if len(datatype) < 8 or len(dataspace) < 4 or not self._single(dataspace):
            raise ConfigError(f"attribute {name!r} is not one text")
        size = int.from_bytes(datatype[4:8], "little")
        if datatype[0] & 0x0F == _STRING:
            if size > len(data):
                raise DamagedFileError(f"attribute {name} is cut short")
            return data[:size].rstrip(b"\0")
        if datatype[0] & 0x0F != _VARIABLE_LENGTH or datatype[1] & 0x0F != 1:
            raise ConfigError(f"attribute {name!r} is not text")
        length = int.from_bytes(data[:4], "little")
        if length > self._most_bytes:
            raise ConfigError(f"attribute {name!r} has {length} bytes; at most {self._most_bytes} are read")
        index = int.from_bytes(data[4 + self._offset_size : 8 + self._offset_size], "little")
        return self._heap_object(self._offset(data, 4), index, length) if length else b""

    def _single(self, dataspace: bytes) -> bool:
        """Whether a dataspace holds exactly one value."""
        rank = dataspace[1]
        if rank == 0:
            return dataspace[0] == 1 or dataspace[3] == 0
        start = 8 if dataspace[0] == 1 else 4
        return rank == 1 and int.from_bytes(dataspace[start : start + self._length_size], "little") == 1

    def _heap_object(self, position: int, index: int, length: int) -> bytes:
        """Return the first ``length`` bytes of an object of a global heap collection."""
        head = self._read(position, 8 + self._length_size)
        if head[:4] != b"GCOL":
            raise DamagedFileError("a heap without its mark")
        end = position + int.from_bytes(head[8:], "little")
        at = position + 8 + self._length_size
        for _ in range(MOST_HEAP_OBJECTS):
            if at + 8 + self._length_size > end:
                break
            entry = self._read(at, 8 + self._length_size)
            found, size = int.from_bytes(entry[:2], "little"), int.from_bytes(entry[8:], "little")
            if found == index:
                if size < length:
                    break
                return self._read(at + 8 + self._length_size, length)
            if found == 0:
                break
            at += 8 + self._length_size + -(-size // 8) * 8
        raise DamagedFileError(f"object {index} is not in its heap")


def root_texts(path: Path, names: tuple[str, ...], most_bytes: int) -> dict[str, bytes | None]:
    """Return the named text attributes of the root group; None for those that are not there."""
    with path.open("rb") as stream:
        attributes = RootAttributes(stream, most_bytes)
        found = {name: attributes.text(name) for name in names}
    if attributes.dense and all(text is None for text in found.values()):
        raise ConfigError("an HDF5 file that keeps its attributes apart from their group, which Keras does not write")
    return found
