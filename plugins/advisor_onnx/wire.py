"""A bounded reader of the protobuf wire format: fields are stepped over by length, never copied unasked.

Source: https://protobuf.dev/programming-guides/encoding/. Tensors of gigabytes are skipped without
being read, and a file that claims more than it holds is refused.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from mmap import mmap

from advisor_onnx.errors import OnnxError

MOST_FIELDS = 4_000_000
MOST_SECONDS = 1.0
MOST_TEXT = 1 << 16
MOST_ALL_TEXT = 32 << 20

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

#: Field number, wire type, then the value of a varint or where the field's bytes start, and where they stop.
Field = tuple[int, int, int, int]


class Wire:
    """The bytes of one file with a budget of fields and seconds, which all its messages share."""

    def __init__(self, data: bytes | mmap) -> None:
        self.data = data
        self.size = len(data)
        self._fields = self._text = 0
        # Seconds of work, so that a busy machine refuses nothing.
        self._until = time.thread_time() + MOST_SECONDS

    def spend(self) -> None:
        """Count one step of work; raises ``OnnxError`` when the file takes too much of it."""
        self._fields += 1
        if self._fields > MOST_FIELDS:
            raise OnnxError(f"holds more than {MOST_FIELDS} fields; this reader stops there")
        if not self._fields & 1023 and time.thread_time() > self._until:
            raise OnnxError(f"takes more than {MOST_SECONDS} s to read; this reader stops there")

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """Yield the fields of the message between two offsets."""
        data = self.data
        while start < stop:
            self.spend()
            key = data[start]
            start += 1
            if key & 0x80:
                key, start = self.varint(start - 1, stop)
            number, wire = key >> 3, key & 7
            if wire == BYTES:
                length = data[start] if start < stop else 0x80
                start += 1
                if length & 0x80:  # most lengths are of one byte: no call for those
                    length, start = self.varint(start - 1, stop)
                if length > stop - start:
                    raise OnnxError(f"a field at byte {start} claims {length} bytes where {stop - start} are left")
                yield number, wire, start, start + length
                start += length
            elif wire == VARINT:
                value, start = self.varint(start, stop)
                yield number, wire, value, start
            elif wire in (FIXED32, FIXED64):
                end = start + (4 if wire == FIXED32 else 8)
                if end > stop:
                    raise OnnxError(f"a number at byte {start} runs past the end of its message")
                yield number, wire, start, end
                start = end
            else:
                raise OnnxError(f"byte {start} does not start a field of the protobuf format; damaged, or not ONNX")

    def varint(self, start: int, stop: int) -> tuple[int, int]:
        """Return the number at ``start``, and where it ends."""
        value = shift = 0
        data = self.data
        while start < stop:
            byte = data[start]
            start += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, start
            shift += 7
            if shift > 63:
                raise OnnxError(f"the number at byte {start} is longer than 64 bits")
        raise OnnxError("a number runs past the end of its message; the file is truncated or damaged")

    def signed(self, value: int) -> int:
        """Return a varint as the signed 64-bit number it stands for."""
        return value - (1 << 64) if value >> 63 else value

    def integers(self, start: int, stop: int, most: int) -> list[int]:
        """Return packed signed varints, at most ``most``."""
        answer: list[int] = []
        while start < stop:
            self.spend()
            value, start = self.varint(start, stop)
            answer.append(self.signed(value))
            if len(answer) > most:
                raise OnnxError(f"a list at byte {start} holds more than {most} numbers")
        return answer

    def bytes(self, start: int, stop: int) -> bytes:
        """Copy bytes."""
        return bytes(self.data[start:stop])

    def text(self, start: int, stop: int) -> str:
        """Return text; bytes that are not UTF-8 are shown as such."""
        if stop - start > MOST_TEXT:
            raise OnnxError(f"a name at byte {start} is {stop - start} bytes long; at most {MOST_TEXT} are read")
        self._text += stop - start
        if self._text > MOST_ALL_TEXT:
            raise OnnxError(f"holds more than {MOST_ALL_TEXT} bytes of names; this reader stops there")
        return self.bytes(start, stop).decode("utf-8", "backslashreplace")

    def float32(self, start: int) -> float:
        """Return the 32-bit float at ``start``."""
        return float(struct.unpack_from("<f", self.data, start)[0])
