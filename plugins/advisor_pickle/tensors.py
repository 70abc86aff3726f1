"""Tensors in the outline of a state dict: dtype, shape and storage of each, checked against what the file holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from advisor_pickle.opcodes import Call, Name, Persistent, PickleError
from advisor_tensors import Tensor

#: torch's storages: the type's name in the safetensors vocabulary, bytes a value, the advisor's format.
STORAGES: dict[str, tuple[str, int, str]] = {
    "DoubleStorage": ("F64", 8, "fp64"), "FloatStorage": ("F32", 4, "fp32"), "HalfStorage": ("F16", 2, "fp16"),
    "BFloat16Storage": ("BF16", 2, "bf16"), "LongStorage": ("I64", 8, "int64"), "IntStorage": ("I32", 4, "int32"),
    "ShortStorage": ("I16", 2, "int16"), "CharStorage": ("I8", 1, "int8"), "ByteStorage": ("U8", 1, "int8"),
    "BoolStorage": ("BOOL", 1, "int8"), "QInt8Storage": ("I8", 1, "int8"), "QUInt8Storage": ("U8", 1, "int8"),
    "UntypedStorage": ("U8", 1, "int8"), "ComplexFloatStorage": ("C64", 8, "fp64"),
}  # fmt: skip
DTYPES: dict[str, tuple[str, int, str]] = {
    "float8_e4m3fn": ("F8_E4M3", 1, "fp8"), "float8_e5m2": ("F8_E5M2", 1, "fp8"), "float32": ("F32", 4, "fp32"),
    "float16": ("F16", 2, "fp16"), "bfloat16": ("BF16", 2, "bf16"), "uint8": ("U8", 1, "int8"),
    "int8": ("I8", 1, "int8"),
    "float8_e4m3fnuz": ("F8_E4M3FNUZ", 1, "fp8"), "float8_e5m2fnuz": ("F8_E5M2FNUZ", 1, "fp8"),
    "uint16": ("U16", 2, "int16"), "uint32": ("U32", 4, "int32"), "uint64": ("U64", 8, "int64"),
}  # fmt: skip
MOST_DEPTH = 8
MOST_NAME = 1000
MOST_TENSORS = 250_000
#: Parts of a training checkpoint that are no weights.
_SKIPPED = {"optimizer", "optimizer_states", "optimizer_state_dict", "optim", "lr_schedulers", "scheduler", "callbacks",
            "ema"}  # fmt: skip
_INNER = ("state_dict", "model_state_dict", "model", "module")


@dataclass
class Found:
    """Tensors, the bytes of the storages that they lie in, and parts that were skipped."""

    tensors: list[Tensor] = field(default_factory=list)
    storages: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def find_tensors(outlined: Any) -> Found:
    """Tensors of the outline, a view of the same part of a storage counted once."""
    found = Found()
    seen: set[tuple[Any, ...]] = set()
    root = outlined
    if isinstance(root, dict):
        inner = next((name for name in _INNER if isinstance(root.get(name), dict)), None)
        if inner is not None:
            found.skipped = [str(name)[:40] for name in root if name != inner]
            root = root[inner]
    for name, call in _walk(root, "", 0, set()):
        tensor, place = _tensor(name, call, found)
        if place not in seen:
            seen.add(place)
            found.tensors.append(tensor)
        if len(found.tensors) > MOST_TENSORS:
            raise PickleError(f"more than {MOST_TENSORS} tensors")
    return found


def _walk(value: Any, name: str, depth: int, above: set[int]) -> Iterator[tuple[str, Call]]:
    if isinstance(value, Call):
        function = value.function.text if isinstance(value.function, Name) else ""
        if function.startswith("torch._utils._rebuild_tensor"):
            yield name, value
        elif function.startswith("torch._utils._rebuild_parameter"):
            inner = value.arguments[:1] if isinstance(value.arguments, tuple) else ()
            yield from (found for part in inner for found in _walk(part, name, depth + 1, above))
        return
    if not isinstance(value, (Mapping, list, tuple)) or id(value) in above or depth > MOST_DEPTH:
        return
    above.add(id(value))  # each container once: references can make small pickles look endless
    members = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in members:
        if isinstance(key, (str, bytes)) and len(key) > MOST_NAME:
            raise PickleError(f"a name of {len(key)} characters")
        if depth or key not in _SKIPPED:
            yield from _walk(inner, f"{name}.{key}" if name else str(key), depth + 1, above)


def _tensor(name: str, call: Call, found: Found) -> tuple[Tensor, tuple[Any, ...]]:
    # Only checked values are ever written out: a small pickle can hold tuples that print endlessly.
    arguments = call.arguments
    if not isinstance(arguments, tuple) or len(arguments) < 4:
        raise PickleError(f"tensor {name[:60]!r} has no storage, offset, shape and strides")
    storage, offset, shape, strides = arguments[:4]
    value = storage.value if isinstance(storage, Persistent) else None
    if not isinstance(value, tuple) or len(value) < 5 or value[0] != "storage" or not isinstance(value[1], Name):
        raise PickleError(f"tensor {name[:60]!r} has no storage of torch")
    kind = STORAGES.get(value[1].text.rsplit(".", 1)[-1])
    dtype = arguments[6] if len(arguments) > 6 and isinstance(arguments[6], Name) else None
    if dtype is not None:
        kind = DTYPES.get(dtype.text.rsplit(".", 1)[-1])
    if kind is None:
        raise PickleError(f"tensor {name[:60]!r} has an unknown type of storage: {(dtype or value[1]).text[:60]!r}")
    type_name, width, form = kind
    if not _whole_numbers(shape) or not _whole_numbers(strides) or not _whole_numbers((offset, value[4])):
        raise PickleError(f"tensor {name[:60]!r} has a shape, strides, an offset or a size that are no whole numbers")
    key, count = value[2], value[4]
    if not isinstance(key, str) or len(key) > MOST_NAME:
        raise PickleError(f"tensor {name[:60]!r} has a storage without a name")
    held = count * STORAGES.get(value[1].text.rsplit(".", 1)[-1], ("", width, ""))[1]
    values = prod(shape)
    repeats = any(stride == 0 and size > 1 for stride, size in zip(strides, shape, strict=False))
    if (offset + (0 if repeats else values)) * width > held:
        raise PickleError(f"tensor {name[:60]!r} takes more than its storage of {held} bytes")
    if values * width > held:  # an expanded tensor: what it repeats is stored once
        values = held // width
        shape = (values,)
    found.storages[key] = max(found.storages.get(key, 0), held)
    return Tensor(name, shape, type_name, form, values, values * width), (key, offset, shape, strides)


def _whole_numbers(values: Any) -> bool:
    if not isinstance(values, tuple) or len(values) > 64:
        return False
    return all(type(value) is int and 0 <= value < 1 << 60 for value in values)
