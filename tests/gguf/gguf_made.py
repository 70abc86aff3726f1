"""Writes GGUF files from their specification: headers true to the byte, data as a hole in the file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

KINDS = {
    "u8": (0, "B"),
    "i8": (1, "b"),
    "u16": (2, "H"),
    "i16": (3, "h"),
    "u32": (4, "I"),
    "i32": (5, "i"),
    "f32": (6, "f"),
    "bool": (7, "?"),
    "u64": (10, "Q"),
    "i64": (11, "q"),
    "f64": (12, "d"),
}
# Bytes and values a block, as recorded from gguf.constants.GGML_QUANT_SIZES of the package gguf 0.19.0.
SIZES = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 40),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}
F32, F16, Q4_0, Q8_0, Q4_K, Q6_K, BF16, MXFP4 = 0, 1, 2, 8, 12, 14, 30, 39


class Writer:
    def __init__(self, version: int = 3, big: bool = False) -> None:
        self.order, self.version = ">" if big else "<", version
        self.length = "I" if version == 1 else "Q"

    def pack(self, code: str, value: Any) -> bytes:
        return struct.pack(self.order + code, value)

    def text(self, text: str | bytes) -> bytes:
        raw = text.encode() if isinstance(text, str) else text
        return self.pack(self.length, len(raw)) + raw

    def value(self, value: Any) -> bytes:
        """A typed value: str, int (u32), float, bool, (kind, number), or a list of str or of int."""
        if isinstance(value, str):
            return self.pack("I", 8) + self.text(value)
        if isinstance(value, list):
            if value and isinstance(value[0], str):
                return (
                    self.pack("I", 9)
                    + self.pack("I", 8)
                    + self.pack(self.length, len(value))
                    + b"".join(map(self.text, value))
                )
            kind, code = KINDS["bool" if value and isinstance(value[0], bool) else "i32"]
            return (
                self.pack("I", 9)
                + self.pack("I", kind)
                + self.pack(self.length, len(value))
                + b"".join(self.pack(code, entry) for entry in value)
            )
        if not isinstance(value, tuple):
            value = ("bool" if isinstance(value, bool) else "f32" if isinstance(value, float) else "u32", value)
        kind, code = KINDS[value[0]]
        return self.pack("I", kind) + self.pack(code, value[1])

    def header(
        self,
        metadata: dict[str, Any],
        tensors: list[tuple[str, list[int], int]],
        alignment: int = 32,
    ) -> tuple[bytes, int]:
        """The header, padded, and the bytes of data that belong after it."""
        parts = [
            b"GGUF",
            self.pack("I", self.version),
            self.pack(self.length, len(tensors)),
            self.pack(self.length, len(metadata)),
        ]
        parts += [self.text(key) + self.value(value) for key, value in metadata.items()]
        offset = 0
        for name, shape, kind in tensors:
            parts += [
                self.text(name),
                self.pack("I", len(shape)),
                *(self.pack(self.length, n) for n in shape),
                self.pack("I", kind),
                self.pack("Q", offset),
            ]
            offset += -(-size(shape, kind) // alignment) * alignment
        head = b"".join(parts)
        return head + bytes(-len(head) % alignment), offset


def size(shape: list[int], kind: int) -> int:
    count = 1
    for extent in shape:
        count *= extent
    return count // SIZES[kind][0] * SIZES[kind][1]


def write(
    path: Path, metadata: dict[str, Any], tensors: list[tuple[str, list[int], int]], version: int = 3, big: bool = False
) -> Path:
    head, data = Writer(version, big).header(metadata, tensors, metadata.get("general.alignment", 32))
    path.write_bytes(head)
    with path.open("r+b") as stream:
        stream.truncate(len(head) + data)
    return path


def llama(
    layers: int = 2,
    hidden: int = 1024,
    heads: int = 8,
    groups: int = 2,
    inner: int = 2816,
    vocab: int = 4096,
    kinds: tuple[int, int, int] = (Q4_K, Q6_K, F32),
    tied: bool = False,
    arch: str = "llama",
    **more: Any,
) -> tuple[dict[str, Any], list[tuple[str, list[int], int]]]:
    """Metadata and tensors of a Llama; ``kinds`` are of most products, of values and the output, of norms."""
    most, better, norm = kinds
    width = hidden // heads
    metadata = {
        "general.architecture": arch,
        f"{arch}.block_count": layers,
        f"{arch}.embedding_length": hidden,
        f"{arch}.feed_forward_length": inner,
        f"{arch}.attention.head_count": heads,
        f"{arch}.attention.head_count_kv": groups,
        f"{arch}.context_length": 8192,
        f"{arch}.rope.dimension_count": width,
        **more,
    }
    tensors = [("token_embd.weight", [hidden, vocab], most)]
    for block in range(layers):
        tensors += [
            (f"blk.{block}.{name}.weight", shape, kind)
            for name, shape, kind in (
                ("attn_norm", [hidden], norm),
                ("attn_q", [hidden, hidden], most),
                ("attn_k", [hidden, groups * width], most),
                ("attn_v", [hidden, groups * width], better),
                ("attn_output", [hidden, hidden], most),
                ("ffn_norm", [hidden], norm),
                ("ffn_gate", [hidden, inner], most),
                ("ffn_up", [hidden, inner], most),
                ("ffn_down", [inner, hidden], most),
            )
        ]
    tensors.append(("output_norm.weight", [hidden], norm))
    if not tied:
        tensors.append(("output.weight", [hidden, vocab], better))
    return metadata, tensors
