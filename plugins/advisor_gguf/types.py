"""The tensor types of ggml: values a block, bytes a block, and the advisor's name of the format.

Source: ``enum ggml_type`` in ggml.h and the block structures in ggml-common.h.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockType:
    """A tensor is stored in blocks of ``values`` along its first dimension, each of ``bytes``."""

    name: str
    values: int
    bytes: int
    format: str


_PLAIN = {
    0: ("F32", 4, "fp32"), 1: ("F16", 2, "fp16"), 24: ("I8", 1, "int8"), 25: ("I16", 2, "int16"),
    26: ("I32", 4, "int32"), 27: ("I64", 8, "int64"), 28: ("F64", 8, "fp64"), 30: ("BF16", 2, "bf16"),
}  # fmt: skip
_BLOCKS = {
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 29: ("IQ1_M", 256, 56),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip

TYPES: dict[int, BlockType] = {
    **{code: BlockType(name, 1, size, form) for code, (name, size, form) in _PLAIN.items()},
    **{code: BlockType(name, values, size, name.lower()) for code, (name, values, size) in _BLOCKS.items()},
}

#: Types whose support ggml has dropped: no program of today can read them.
REMOVED = {4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8",
           38: "IQ4_NL_8_8"}  # fmt: skip

#: Q8_1 as the ``gguf`` Python package has it, with two fp32 scales; ggml itself has had two fp16 ones since 2023.
Q8_1_WIDE = BlockType("Q8_1", 32, 40, "q8_1_fp32")
