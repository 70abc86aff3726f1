"""Quantized checkpoints: tensors that hold several values an element, and the scales beside them.

A packed tensor becomes one of the values that it stands for. Its scales become part of it where together
they take exactly what one of the advisor's formats takes; other scales stay tensors of their own.
Layouts: bitsandbytes, GPTQ, AWQ, compressed-tensors, ModelOpt, MLX, gpt-oss, as their writers save them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.formats import format_named
from advisor_tensors import Tensor

#: Last part of the names of tensors that belong to a quantized weight.
_COMPANIONS = {
    "weight_scale", "weight_scale_inv", "weight_scale_2", "weight_global_scale", "weight_zero_point", "weight_shape",
    "weight_g_idx", "scale", "scales", "qzeros", "g_idx", "biases", "SCB", "weight_format",
    *(f"{what}_{kind}" for what in ["input", "output", "k", "v"] for kind in ("scale", "global_scale")),
}  # fmt: skip
_BITSANDBYTES = re.compile(r"^(.*)\.(weight\.(?:absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.\S+))$")
_PACKED_ENDS = (".weight", ".qweight", ".weight_packed", "_blocks")
_QUANTIZED = {"U8", "I8", "I32", "U32", "F4", "F8_E4M3", "F8_E5M2", "F6_E2M3", "F6_E3M2"}
_FLOATS = ("nvfp4", "mxfp4")  # formats whose scales are 8 bits wide
_INTEGERS = ("int4", "int4_group128_symmetric", "int4_group64", "int4_group64_symmetric", "int4_group32",
             "int4_group32_symmetric")  # fmt: skip
_NEVER_PACKED = {"F8_E4M3", "F8_E5M2", "BF16", "F16", "F32", "F64"}
_PLAIN = {8: "int8"}
_NOT_SCALES = ("g_idx", "weight_g_idx", "weight_shape", "weight.quant_map", "weight.nested_quant_map")
_BYTES = {"U8", "F8_E4M3", "F8_E8M0"}
NEAR = 2e-5  # the nf4 format is rounded to three digits


@dataclass
class Unpacked:
    """Weights as what they stand for, and scales that are tensors of their own."""

    weights: list[Tensor]
    scales: list[Tensor] = field(default_factory=list)
    packed: int = 0  # tensors that held several values an element
    bits: set[int] = field(default_factory=set)


def unpack(tensors: list[Tensor], config: Mapping[str, Any]) -> Unpacked:
    """Tell weights from scales; ``config`` is the document beside, for what the header alone leaves open."""
    if not any(tensor.type in _QUANTIZED for tensor in tensors):
        return Unpacked(tensors)
    companions: dict[str, list[Tensor]] = {}
    weights: list[Tensor] = []
    quantized = [tensor.name for tensor in tensors if tensor.type in _QUANTIZED]
    stems = {*map(_stem, quantized), *quantized}
    for tensor in tensors:
        stem = _companion(tensor.name)[0]
        if stem and stem in stems:
            companions.setdefault(stem, []).append(tensor)
        else:
            weights.append(tensor)
    answer = Unpacked([])
    for tensor in weights:
        beside: list[Tensor] = []
        if tensor.type in _QUANTIZED:
            stem = _stem(tensor.name)
            beside = companions.pop(stem if stem in companions else tensor.name, [])
        bits = None if tensor.type in _NEVER_PACKED else _bits(tensor, beside, config)
        if bits is None:
            answer.weights.append(tensor)
            answer.scales += beside
            continue
        answer.packed += 1
        answer.bits.add(bits)
        values = 8 * tensor.bytes // bits
        whole, rest = _folded(tensor._replace(values=values, format=_PLAIN.get(bits, f"packed{bits}")), beside)
        answer.weights.append(whole)
        answer.scales += rest
    answer.scales += [tensor for members in companions.values() for tensor in members]
    return answer


def describe(unpacked: Unpacked) -> list[str]:
    """What a reader of the model should know of it."""
    notes: list[str] = []
    scales = sum(tensor.values for tensor in unpacked.scales)
    if unpacked.packed:
        bits = " and ".join(map(str, sorted(unpacked.bits)))
        notes.append(f"{unpacked.packed} tensors hold packed {bits}-bit values: counted as the values they stand for")
    if scales:
        notes.append(f"{scales:,} of the values are quantization scales stored beside the weights")
    return notes


def _stem(name: str) -> str:
    """The module that a weight belongs to: its name without the end."""
    for end in _PACKED_ENDS:
        if name.endswith(end):
            return name[: -len(end)]
    return name


def _companion(name: str) -> tuple[str, str]:
    """The weight that a tensor belongs to and what it is of it; empty where it belongs to none."""
    stem, _, kind = name.rpartition(".")
    if kind in _COMPANIONS:
        return stem, kind
    for end in ("_scales", "_scale_inv"):  # of experts that are one tensor
        if name.endswith(end):
            return name[: -len(end)], end
    found = _BITSANDBYTES.match(name) if ".weight." in name else None
    return (found[1], found[2]) if found else ("", "")


def _kind(tensor: Tensor) -> str:
    return _companion(tensor.name)[1]


def _bits(tensor: Tensor, beside: list[Tensor], config: Mapping[str, Any]) -> int | None:
    """Bits that one value of a packed tensor takes; None of a tensor that isn't packed."""
    if tensor.type == "F4":
        return 4
    by_kind = {_kind(companion): companion for companion in beside}
    scale = next((by_kind[kind] for kind in ("scales", "weight_scale", "scale", "_scales") if kind in by_kind), None)
    if any(kind.startswith("weight.absmax") for kind in by_kind):
        return 4 if "weight.quant_map" in by_kind and by_kind["weight.quant_map"].values == 16 else None
    if scale is None or not tensor.values or not scale.values:
        return None
    if tensor.type == "U8":
        return 4
    if tensor.type == "I8":  # 16 bytes a scale are 32 values of MXFP4; a plain 8-bit weight has one scale a row
        return 4 if scale.values * 16 == tensor.values and scale.type in ("F8_E8M0", "U8") else None
    if tensor.type not in ("I32", "U32"):
        return None
    return _word_bits(tensor, scale, by_kind, config)


def _word_bits(tensor: Tensor, scale: Tensor, by_kind: Mapping[str, Tensor], config: Mapping[str, Any]) -> int:
    """GPTQ, AWQ, MLX and compressed-tensors pack values into 32-bit words along one dimension."""
    quantization = config.get("quantization_config") or config.get("quantization")
    given = quantization if isinstance(quantization, Mapping) else {}
    stated = given.get("bits", given.get("w_bit"))
    zeros, order = by_kind.get("qzeros"), by_kind.get("g_idx")
    found: float | None = None
    if len(tensor.shape) == 2 and len(scale.shape) == 2 and tensor.name.endswith("qweight"):
        outputs = scale.shape[1]
        if order is not None and order.values:
            found = 32 * tensor.shape[0] / order.values
        elif zeros is not None and len(zeros.shape) == 2:
            found = 32 * zeros.shape[1] / outputs
        elif tensor.shape[1] != outputs:
            found = 32 * tensor.shape[1] / outputs
    if found in (2, 3, 4, 8):
        return int(found)
    return stated if stated in (2, 3, 4, 6, 8) else 4


def _folded(weight: Tensor, beside: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """The weight with those scales that make up a known format, and the other scales."""
    blocks = [tensor for tensor in beside if tensor.values > 1 and _kind(tensor) not in _NOT_SCALES
              and not _kind(tensor).startswith("weight.quant_state")]  # fmt: skip
    if not blocks or not weight.values or weight.format != "packed4":
        return weight, beside
    kinds = {_kind(tensor) for tensor in blocks}
    if "weight.absmax" in kinds:
        names: tuple[str, ...] = ("nf4",)
    elif "biases" in kinds:
        names = ("int4_group64_biased",)
    else:
        names = _FLOATS if all(tensor.type in _BYTES for tensor in blocks) else _INTEGERS
    size = weight.bytes + sum(tensor.bytes for tensor in blocks)
    near = {name: abs(8 * size / (weight.values * format_named(name).bits) - 1) for name in names}
    best = min(near, key=near.__getitem__)
    if near[best] > NEAR:
        return weight, beside
    return weight._replace(format=best, bytes=size), [tensor for tensor in beside if tensor not in blocks]
