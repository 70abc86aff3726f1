"""Writes small ONNX files by hand, and reads them: a writer of the wire format of its own, beside the reader's."""

from __future__ import annotations

import json
import lzma
import math
from functools import cache
from pathlib import Path

import numpy as np

from advisor.interfaces import ModelSource

DATA = Path(__file__).parent / "data"
KINDS = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11}


def varint(value):
    value &= (1 << 64) - 1
    answer = bytearray()
    while value > 0x7F:
        answer.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*answer, value])


def field(number, value):
    """A field: bytes and text by length, whole numbers as varints, floats in 32 bits."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, (bytes, bytearray)):
        return varint(number << 3 | 2) + varint(len(value)) + bytes(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + np.float32(value).tobytes()
    return varint(number << 3) + varint(value)


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def tensor(name, array=None, *, dims=None, kind=1, raw=None, location=None, **external):
    """A stored tensor; without contents, one in a file beside the model (``location``)."""
    if array is not None:
        array = np.asarray(array)
        dims, kind, raw = array.shape, KINDS[str(array.dtype)], array.tobytes()
    fields = [*((1, size) for size in dims), (2, kind), (8, name)]
    if raw is not None:
        fields.append((9, raw))
    if location is not None:
        fields += [
            (13, message((1, key), (2, str(value)))) for key, value in {"location": location, **external}.items()
        ]
        fields.append((14, 1))
    return message(*fields)


def info(name, *dims, kind=1):
    sizes = [
        message((1, message((2, size) if isinstance(size, str) else (1, size)) if size is not None else b""))
        for size in dims
    ]
    return message((1, name), (2, message((1, message((1, kind), (2, b"".join(sizes)))))))


def attribute(name, value):
    if isinstance(value, (bool, int)):
        return message((1, name), (3, value), (20, 2))
    if isinstance(value, float):
        return message((1, name), (2, value), (20, 1))
    if isinstance(value, str):
        return message((1, name), (4, value), (20, 3))
    if isinstance(value, bytes):  # a graph
        return message((1, name), (6, value), (20, 5))
    return message((1, name), *((8, entry) for entry in value), (20, 7))


def node(op_type, inputs, outputs, domain="", name="", **attributes):
    fields = [*((1, one) for one in inputs), *((2, one) for one in outputs), (4, op_type)]
    fields += [(5, attribute(key, value)) for key, value in attributes.items()]
    if domain:
        fields.append((7, domain))
    if name:
        fields.append((3, name))
    return message(*fields)


def graph(nodes, inputs, outputs, tensors=()):
    parts = [*((1, one) for one in nodes), (2, "graph"), *((5, one) for one in tensors)]
    return message(*parts, *((11, one) for one in inputs), *((12, one) for one in outputs))


def model(nodes, inputs, outputs, tensors=(), opset=21, functions=()):
    opsets = message((2, opset))
    body = graph(nodes, inputs, outputs, tensors)
    return message((1, 10), (2, "test"), (7, body), (8, opsets), *((25, one) for one in functions))


def read(path, data=None, **options):
    """Read a file (after writing ``data`` to it) with the reader alone."""
    from advisor_onnx.reader import OnnxReader

    if data is not None:
        path.write_bytes(data)
    return OnnxReader().read(ModelSource(str(path), path=path, options=options))


def weight(*shape):
    return np.arange(1, math.prod(shape) + 1, dtype=np.float32).reshape(shape)


@cache
def answers():
    return json.loads((DATA / "answers.json").read_text())


@cache
def packed(name):
    return lzma.decompress((DATA / name).read_bytes())
