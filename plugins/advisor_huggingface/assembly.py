"""Puts a family and a configuration together: the layers, grouped, and the model they make."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from advisor.errors import ModelFileError
from advisor.models import Layer, Model
from advisor.operators import Operator
from advisor_huggingface.blocks.ends import embedding, output
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, optional_size
from advisor_huggingface.quantization import read_quantization

MOST_PARAMETERS = 10**15


def assemble(
    family: Family, outer: Mapping[str, Any], inner: Mapping[str, Any], origin: str, name: str,
    towers_of: Family | None = None, prefix: str = "",
) -> Model:  # fmt: skip
    """Make the model that ``inner`` describes, with the towers of ``outer``.

    ``inner`` is the text model's own document, the same as ``outer`` where it has no other parts.
    Raises ``ModelFileError`` for a configuration that contradicts itself.
    """
    if family.expand is not None:
        inner = family.expand(inner)
    config = Config(inner, origin, family.fields, family.defaults, prefix)
    quantization = read_quantization(outer, inner, origin)
    assert family.layer is not None
    first = (family.embedding or embedding())(config, 0)
    layers = [Layer(name="embedding", kind="embedding", operators=first)]
    blocks = (family.layer(config, index) for index in range(config.layers))
    layers += grouped([quantization.applied(block, index, family.experts_modules)
                       for index, block in enumerate(blocks)])  # fmt: skip
    last = (family.output or output())(config, config.layers - 1)
    layers.append(Layer(name="output", kind="output", operators=quantization.applied(last, -1)))
    notes = [*family.notes, *quantization.notes]
    if towers_of is not None:
        whole = Config(outer, origin, towers_of.fields, towers_of.defaults)
        for tower in towers_of.towers:
            layers += tower(whole)
        notes += towers_of.notes
    total = sum(layer.parameters for layer in layers)
    if total > MOST_PARAMETERS:
        raise ModelFileError(f"{origin}: the sizes make {total:.3g} parameters, more than any model has; "
                             f"check {prefix}hidden_size, {prefix}intermediate_size and the experts")  # fmt: skip
    return Model(
        name=name, family=family.name, layers=tuple(layers), unit="token", generates=True,
        weight_format=quantization.weight_format, cache_format=quantization.cache_format,
        hidden_size=config.hidden, blocks=config.layers, vocabulary=config.integer("vocab_size"),
        max_context=config.optional("max_position_embeddings"),
        tensor_parallel_limit=optional_size(family.heads, config, 0) or 1,
        reader="huggingface", source=origin, notes=tuple(dict.fromkeys(notes)),
        attributes=MappingProxyType(dict(family.attributes(config)) if family.attributes else {}),
    )  # fmt: skip


def grouped(blocks: list[tuple[Operator, ...]], stack: str = "main", prefix: str = "layers",
            kind: str = "decoder") -> list[Layer]:  # fmt: skip
    """One ``Layer`` for all blocks of the same operators, in the order in which they first come."""
    members: dict[tuple[Operator, ...], list[int]] = {}
    for index, operators in enumerate(blocks):
        members.setdefault(operators, []).append(index)
    return [
        Layer(name=f"{prefix}.{_range(indices)}", kind=kind, operators=operators, count=len(indices), stack=stack)
        for operators, indices in members.items()
    ]


def _range(indices: list[int]) -> str:
    """``3-60``, ``0-34:2`` where every second one is meant, else the runs, shortened."""
    first, last = indices[0], indices[-1]
    if len(indices) == 1:
        return str(first)
    steps = {after - before for before, after in pairwise(indices)}
    if len(steps) == 1:
        step = steps.pop()
        return f"{first}-{last}" if step == 1 else f"{first}-{last}:{step}"
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    names = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return ",".join(names) if len(names) <= 3 else ",".join([*names[:2], "...", names[-1]])
