"""A model from the table of tensors alone: what can be known of it without a configuration."""

from __future__ import annotations

import re
from math import gcd
from types import MappingProxyType
from typing import Any

from advisor.models import Layer, Model
from advisor.operators import Embedding, ExpertMatMul, Operator
from advisor_safetensors.files import Checkpoint
from advisor_safetensors.packed import Unpacked, describe
from advisor_tensors import Tensor, common_format, grouped, packed_product, product, settle, vectors
from advisor_tensors.table import attributes_of

_INDEX = re.compile(r"(?:^|\.)(\d{1,5})\.")
_EXPERT = re.compile(r"^(?P<owner>.*\bexperts)\.(?P<number>\d{1,5})\.(?P<role>.+)$")
_TABLE = re.compile(r"(^|\.)(embed_tokens|wte|wpe|word_embeddings|position_embeddings|token_type_embeddings|shared|"
                    r"embed_positions|tok_embeddings|embeddings?|embed_in)\.weight$")  # fmt: skip


def table_model(checkpoint: Checkpoint, unpacked: Unpacked, name: str, why: str, options: Any) -> Model:
    """Every matrix is a product of its shape, every other tensor element-wise; attention is unknown."""
    notes = [why, "no architecture: matrices are counted as products of one token, attention scores, cache and "
             "activations are unknown; put config.json beside the file for these", *describe(unpacked)]  # fmt: skip
    layers, blocks = _layers(unpacked, options, notes)
    layers += _missing(checkpoint, layers, notes)
    weight_format = common_format(layers)
    widths = [tensor.shape[-1] for tensor in unpacked.weights if _TABLE.search(tensor.name) and len(tensor.shape) == 2]
    return Model(
        name=name, family="unknown", layers=settle(layers, weight_format), unit="token", weight_format=weight_format,
        hidden_size=widths[0] if widths else 0, blocks=blocks, reader="safetensors", source=str(checkpoint.path),
        notes=tuple(notes), attributes=MappingProxyType(attributes_of(checkpoint.tensors, checkpoint.files)),
    )  # fmt: skip


def _layers(unpacked: Unpacked, options: Any, notes: list[str]) -> tuple[list[Layer], int]:
    """Layers by pattern of name, and how many blocks the longest pattern has."""
    scales = {tensor.name for tensor in unpacked.scales}
    places: dict[str, dict[int, list[tuple[str, Tensor]]]] = {}
    outside: list[tuple[str, Tensor]] = []
    for tensor in [*unpacked.weights, *unpacked.scales]:
        match = _INDEX.search(tensor.name)
        if match is None:
            outside.append((tensor.name, tensor))
        else:
            blocks = places.setdefault(tensor.name[: match.start()], {})
            blocks.setdefault(int(match[1]), []).append((tensor.name[match.end() :], tensor))
    layers: list[Layer] = []
    each = options.get("experts_per_token")
    each = int(each) if isinstance(each, (int, float)) and each >= 1 else 0
    if outside:
        layers.append(Layer(name="outside the blocks", kind="weights",
                            operators=tuple(_operators(outside, scales, each))))  # fmt: skip
    for prefix, members in places.items():
        built = {index: tuple(_operators(tensors, scales, each)) for index, tensors in members.items()}
        layers += grouped(built, prefix or "layers", "weights")
    if not each and any(isinstance(op, ExpertMatMul) for layer in layers for op in layer.operators):
        notes.append("experts a token are unknown: all counted as used; give experts_per_token to change that")
    return layers, max((len(members) for members in places.values()), default=1)


def _operators(members: list[tuple[str, Tensor]], scales: set[str], each: int) -> list[Operator]:
    answer: list[Operator] = []
    experts: dict[tuple[str, str, tuple[int, ...], str], list[tuple[int, Tensor]]] = {}
    for role, tensor in members:
        match = _EXPERT.match(role)
        if match is not None:
            key = f"{match['owner']}.{match['role']}", tensor.type, tensor.shape, tensor.format
            experts.setdefault(key, []).append((int(match["number"]), tensor))
        else:
            answer += _one(role, tensor, tensor.name in scales)
    for (role, _, shape, form), found in experts.items():
        answer += _expert(role, shape, form, [tensor for _, tensor in found], each, found[0][1].name in scales)
    return answer


def _one(role: str, tensor: Tensor, scale: bool) -> list[Operator]:
    """A product of a matrix or kernel, a table of an embedding, an element-wise operator of anything else."""
    name = role.removesuffix(".weight")
    extents = [extent for extent in tensor.shape if extent > 1]
    if not tensor.values:
        return []
    if len(extents) == 1 and tensor.values > extents[0] and not scale:  # packed, its shape lost (bitsandbytes)
        return product(name, [tensor], inputs=gcd(tensor.values, 4096))
    named = role.endswith(("weight", "_packed", "_proj", "_blocks"))
    if scale or len(extents) < 2 or not named or tensor.format in ("int16", "int32", "int64"):
        return vectors(name, [tensor], elements=0 if scale else None)
    outputs = tensor.shape[0]
    if len(extents) == 2 and _TABLE.search(role):
        return [Embedding(name=name, rows=outputs, width=tensor.values // outputs, native_format=tensor.format)]
    if "experts" in role and len(extents) > 2 and tensor.values % (outputs * tensor.shape[1]) == 0:
        return packed_product(name, [tensor], experts=outputs, each=outputs,
                              inputs=tensor.values // (outputs * tensor.shape[1]))  # fmt: skip
    inputs = tensor.values // outputs if tensor.values % outputs == 0 else tensor.shape[-1]
    return product(name, [tensor], inputs=inputs) if tensor.values % inputs == 0 else vectors(name, [tensor])


def _expert(role: str, shape: tuple[int, ...], form: str, tensors: list[Tensor], each: int,
            scale: bool) -> list[Operator]:  # fmt: skip
    """One operator of the same matrix of every expert."""
    name, count = role.removesuffix(".weight"), len(tensors)
    whole = Tensor(name, (count, *shape), tensors[0].type, form, sum(tensor.values for tensor in tensors),
                   sum(tensor.bytes for tensor in tensors))  # fmt: skip
    if not whole.values:
        return []
    if scale or len(shape) < 2 or not shape[0] or whole.values % (count * shape[0]):
        return vectors(name, [whole], elements=0)
    return packed_product(name, [whole], experts=count, each=min(each or count, count),
                          inputs=whole.values // (count * shape[0]))  # fmt: skip


def _missing(checkpoint: Checkpoint, layers: list[Layer], notes: list[str]) -> list[Layer]:
    """What the missing shards hold, as far as the index says: bytes."""
    if not checkpoint.missing:
        return []
    held = sum(tensor.bytes for tensor in checkpoint.tensors)
    left = (checkpoint.total_bytes or held) - held
    form = common_format(layers) if layers else "bf16"
    notes.append(f"{len(checkpoint.missing)} shards are missing, {checkpoint.missing[0]} first: of the "
                 f"{checkpoint.total_bytes or 0:,} bytes that the index gives, {max(left, 0):,} are not described; "
                 f"counted as values of {form}")  # fmt: skip
    if left <= 0:
        return []
    from advisor.formats import format_named

    values = int(8 * left // format_named(form).bits)
    blank = Tensor("missing shards", (values,), form, form, values, left)
    return [Layer(name="missing shards", kind="unknown", operators=tuple(vectors("weights", [blank], elements=0)))]
