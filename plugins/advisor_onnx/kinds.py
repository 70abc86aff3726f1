"""Element types of ONNX tensors: names, bits, and the advisor's number formats.

Source: ``TensorProto.DataType`` in onnx.proto, https://github.com/onnx/onnx.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """An element type. ``numpy`` is the dtype of its raw bytes where numpy has one."""

    name: str
    bits: int
    format: str = ""
    numpy: str = ""

    @property
    def floating(self) -> bool:
        """Whether values are real numbers that can be trained."""
        return self.name.startswith(("float", "double", "bfloat"))


FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, DOUBLE = 1, 2, 3, 6, 7, 8, 9, 11

KINDS: dict[int, Kind] = {
    1: Kind("float", 32, "fp32", "<f4"), 2: Kind("uint8", 8, "int8", "u1"), 3: Kind("int8", 8, "int8", "i1"),
    4: Kind("uint16", 16, "fp16", "<u2"), 5: Kind("int16", 16, "fp16", "<i2"), 6: Kind("int32", 32, "fp32", "<i4"),
    7: Kind("int64", 64, "fp64", "<i8"), 8: Kind("string", 0), 9: Kind("bool", 8, "int8", "?"),
    10: Kind("float16", 16, "fp16", "<f2"), 11: Kind("double", 64, "fp64", "<f8"),
    12: Kind("uint32", 32, "fp32", "<u4"), 13: Kind("uint64", 64, "fp64", "<u8"),
    14: Kind("complex64", 64, "fp64", "<c8"), 15: Kind("complex128", 128, "fp64", "<c16"),
    16: Kind("bfloat16", 16, "bf16"), 17: Kind("float8e4m3fn", 8, "fp8"), 18: Kind("float8e4m3fnuz", 8, "fp8"),
    19: Kind("float8e5m2", 8, "fp8"), 20: Kind("float8e5m2fnuz", 8, "fp8"), 21: Kind("uint4", 4, "int4"),
    22: Kind("int4", 4, "int4"), 23: Kind("float4e2m1", 4, "nvfp4"), 24: Kind("float8e8m0", 8, "fp8"),
    25: Kind("uint2", 2, "int4"), 26: Kind("int2", 2, "int4"),
}  # fmt: skip


def is_floating(dtype: int) -> bool:
    """Whether an element type holds real numbers."""
    return dtype in KINDS and KINDS[dtype].floating
