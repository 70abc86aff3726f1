"""Numbers and texts from the start of a file, none longer than what is left of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from advisor.errors import ModelFileError

MOST_HEADER_BYTES = 96 << 20  # the largest vocabularies with their merges take about 20 MB


class Stream:
    """Reads numbers and texts, with every length checked against what is left of the file."""

    def __init__(self, stream: BinaryIO, size: int, path: Path) -> None:
        self._stream, self._size, self.path = stream, size, path
        self._buffer = b""
        self._at = 0  # in the buffer
        self._start = 0  # of the buffer in the file
        self.order, self.wide, self.items = "<", True, 0

    @property
    def position(self) -> int:
        return self._start + self._at

    def fail(self, complaint: str) -> ModelFileError:
        return ModelFileError(f"{self.path}: damaged GGUF file: {complaint}")

    def need(self, count: int, what: str) -> None:
        """Have ``count`` bytes ready."""
        if self._at + count <= len(self._buffer):
            return
        if count > self._size - self.position:
            raise self.fail(f"{what} takes {count} bytes at byte {self.position} of a file of {self._size} bytes")
        if self.position + count > MOST_HEADER_BYTES:
            raise self.fail(f"its header is larger than {MOST_HEADER_BYTES >> 20} MiB, more than any model needs")
        left = self._buffer[self._at :]
        self._start += self._at
        self._buffer = left + self._stream.read(max(count - len(left), 1 << 20))
        self._at = 0
        if len(self._buffer) < count:
            raise self.fail(f"{what} is cut off")

    def take(self, count: int, what: str) -> bytes:
        self.need(count, what)
        self._at += count
        return self._buffer[self._at - count : self._at]

    def number(self, code: str, what: str) -> Any:
        size = struct.calcsize(self.order + code)
        self.need(size, what)
        (value,) = struct.unpack_from(self.order + code, self._buffer, self._at)
        self._at += size
        return value

    def length(self, what: str) -> int:
        return int(self.number("Q" if self.wide else "I", what))

    def text(self, what: str, most: int = 65_535) -> str:
        length = self.length(what)
        if most < length <= self._size - self.position:
            raise self.fail(f"{what} is {length} bytes long; at most {most} are read")
        try:
            return self.take(length, what).decode("utf-8")
        except UnicodeDecodeError:
            raise self.fail(f"{what} is not UTF-8 text") from None

    def skip(self, count: int, what: str) -> None:
        """Pass over bytes, which must be there."""
        if count > self._size - self.position:
            raise self.fail(f"{what} takes {count} bytes at byte {self.position} of a file of {self._size} bytes")
        while count > 0:
            step = min(count, 1 << 20)
            self.need(step, what)
            self._at += step
            count -= step

    def skip_texts(self, count: int, what: str) -> None:
        """Pass over strings quickly: lengths are read straight from the buffer."""
        reader = struct.Struct(self.order + ("Q" if self.wide else "I"))
        width, unpack = reader.size, reader.unpack_from
        for _ in range(count):
            at = self._at
            if at + width > len(self._buffer):
                self.need(width, what)
                at = self._at
            end = at + width + unpack(self._buffer, at)[0]
            if end > len(self._buffer):
                self.need(end - at, what)
                end -= at - self._at
            self._at = end
