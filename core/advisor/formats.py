"""Number formats: the shared vocabulary of models, devices and techniques.

A format is a name, its stored bits per value and the format that carries its arithmetic when a
device lacks it. Codes (positions in ``FORMATS``) stand for formats in candidate columns.
"""

from __future__ import annotations

from msgspec import Struct

from advisor.errors import UnknownNameError


class Format(Struct, frozen=True):
    """A number format.

    ``bits`` counts scales and zero points, so it is what one stored value costs. ``fallback`` names
    the format in which a device without native arithmetic computes instead. ``arithmetic`` is the
    format that weights stored so are multiplied in unless a technique says otherwise: 16 bits for
    formats that are for storage alone.
    """

    name: str
    bits: float
    fallback: str | None
    doc: str
    arithmetic: str = ""


# Scale overheads: block formats per OCP Microscaling Formats 1.0 (2023) and NVIDIA's NVFP4 (2025).
_FORMATS = [
    Format("fp64", 64, None, "IEEE double"),
    Format("fp32", 32, None, "IEEE single"),
    Format("tf32", 32, "fp32", "fp32 stored, 10-bit mantissa in the product"),
    Format("bf16", 16, "fp16", "bfloat16"),
    Format("fp16", 16, "bf16", "IEEE half"),
    Format("fp8", 8, "bf16", "E4M3/E5M2, one scale a tensor or a large block"),
    Format("mxfp8", 8.25, "fp8", "E4M3 with an 8-bit scale each 32 values"),
    Format("fp6", 6.25, "fp8", "MXFP6: 6-bit floats with an 8-bit scale each 32 values"),
    Format("mxfp4", 4.25, "fp8", "E2M1 with an 8-bit scale each 32 values", "bf16"),
    Format("nvfp4", 4.5, "fp8", "E2M1 with an fp8 scale each 16 values"),
    Format("nf4", 4.126953125, "bf16", "4-bit NormalFloat, double-quantized scales each 64 values (QLoRA)", "bf16"),
    Format("int8", 8, "bf16", "8-bit integer, one scale a channel"),
    Format("int4", 4.15625, "bf16", "4-bit integer, fp16 scale and 4-bit zero point each 128 values", "bf16"),
    Format("int16", 16, "fp32", "16-bit integer tables", "fp32"),
    Format("int32", 32, "fp32", "32-bit integer tables", "fp32"),
    Format("int64", 64, "fp32", "64-bit integer tables", "fp32"),
    *(Format(f"int4_group{size}", 4 + 20 / size, "bf16", f"4-bit integer, fp16 scale and 4-bit zero point each {size}",
             "bf16") for size in (32, 64)),
    *(Format(f"int4_group{size}_symmetric", 4 + 16 / size, "bf16", f"4-bit integer, 16-bit scale each {size} values",
             "bf16") for size in (32, 64, 128)),
    Format("int4_group64_biased", 4.5, "bf16", "4-bit integer, 16-bit scale and bias each 64 values (MLX)", "bf16"),
    *(Format(f"packed{bits}", bits, "bf16", f"{bits}-bit values whose scales are stored as values of their own", "bf16")
      for bits in (2, 3, 4, 6)),
    # ggml's blocks: (bytes, values) of the structures in ggml-common.h; products run in fp16 once unpacked.
    *(Format(name, 8 * size / values, "fp16", f"ggml block of {values} values in {size} bytes", "fp16")
      for name, size, values in (
          ("q1_0", 18, 128), ("q4_0", 18, 32), ("q4_1", 20, 32), ("q5_0", 22, 32), ("q5_1", 24, 32), ("q8_0", 34, 32),
          ("q8_1", 36, 32), ("q8_1_fp32", 40, 32), ("q2_k", 84, 256), ("q3_k", 110, 256), ("q4_k", 144, 256),
          ("q5_k", 176, 256), ("q6_k", 210, 256), ("q8_k", 292, 256), ("iq1_s", 50, 256), ("iq1_m", 56, 256),
          ("iq2_xxs", 66, 256), ("iq2_xs", 74, 256), ("iq2_s", 82, 256), ("iq3_xxs", 98, 256), ("iq3_s", 110, 256),
          ("iq4_nl", 18, 32), ("iq4_xs", 136, 256), ("tq1_0", 54, 256), ("tq2_0", 66, 256))),
]

FORMATS: tuple[Format, ...] = tuple(_FORMATS)
CODES: dict[str, int] = {entry.name: code for code, entry in enumerate(FORMATS)}
ALIASES: dict[str, str] = {
    "float64": "fp64", "float32": "fp32", "float": "fp32", "float16": "fp16", "half": "fp16", "bfloat16": "bf16",
    "fp4": "nvfp4", "e4m3": "fp8", "float8": "fp8", "float8_e4m3fn": "fp8", "fp8_e4m3": "fp8", "fp8_e5m2": "fp8",
    "w8a8": "int8", "w4a16": "int4", "uint4": "int4", "mxint4": "mxfp4",
}  # fmt: skip


def is_format(name: str) -> bool:
    """Whether a format has that name or alias."""
    return ALIASES.get(name.lower(), name.lower()) in CODES


def format_code(name: str) -> int:
    """Return the code of a format by name or alias; raises ``UnknownNameError``."""
    lower = name.lower()
    lower = ALIASES.get(lower, lower)
    if lower not in CODES:
        raise UnknownNameError("number format", name, [*CODES, *ALIASES])
    return CODES[lower]


def format_named(name: str) -> Format:
    """Return the format of that name or alias; raises ``UnknownNameError``."""
    return FORMATS[format_code(name)]


def arithmetic_code(name: str) -> int:
    """Return the code of the format in which weights stored as ``name`` are multiplied."""
    entry = format_named(name)
    return CODES[entry.arithmetic or entry.name]


def fallbacks(name: str) -> list[str]:
    """Return ``name`` and the formats that carry it in turn where a device lacks it, last ``fp32``."""
    chain: list[str] = []
    current: str | None = name
    while current is not None and current not in chain:
        chain.append(current)
        current = FORMATS[CODES[current]].fallback
    return [*chain, *(wide for wide in ("tf32", "fp32") if wide not in chain)]
