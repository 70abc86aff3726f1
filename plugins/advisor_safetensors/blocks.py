"""Weights of mixed formats: each block's tensors go to the operators that they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.models import Layer, Model
from advisor.operators import Operator
from advisor.records import replace
from advisor_safetensors.matching import Match, Named, match, surplus
from advisor_safetensors.names import operator_outside, operators_of
from advisor_safetensors.packed import Unpacked
from advisor_safetensors.towers import by_rank
from advisor_tensors import Tensor, grouped, vectors

_INDEX = re.compile(r"(?:^|\.)(\d{1,5})\.")
_TOWER = re.compile(r"vision|visual|audio|image|speech|encoder|mtp|projector|resampler")
_LAYER = re.compile(r"^layers\.(?P<span>[\d,.:\-]+)$")


def by_block(model: Model, held: Unpacked) -> tuple[list[Layer], list[Tensor], list[Tensor]]:
    """Layers in their formats, tensors that the model doesn't account for, and scales outside all blocks."""
    shapes = block_layers(model)
    blocks, main, outside = _places(held.weights)
    if not shapes or not blocks:
        return by_rank(list(model.layers), held.weights), [], held.scales
    scales, loose = _scales_of(held.scales, main, shapes)
    extra = [tensor for index, members in blocks.items() if index not in shapes for _, tensor in members]
    kinds: dict[str, dict[int, tuple[Operator, ...]]] = {}
    for index, layer in shapes.items():
        members = blocks.get(index)  # none where the block's shard is missing
        found = match(layer.operators, members, operators_of) if members else Match([[op] for op in layer.operators])
        extra += found.unused
        own = vectors("scales", scales.get(index, []), elements=0)
        kinds.setdefault(layer.kind, {})[index] = (*found.operators, *own)
    inner = [layer for kind, built in kinds.items() for layer in grouped(built, "layers", kind)]
    members_of = set(map(id, shapes.values()))
    rest = [layer for layer in model.layers if id(layer) not in members_of]
    before, after, unused = _ends(rest, outside)
    return [*before, *inner, *after], extra + unused, loose


def block_layers(model: Model) -> dict[int, Layer]:
    """The layer group that each block belongs to.

    A group's name says which blocks it has; where it is shortened, they are those that are left.
    """
    groups = [layer for layer in model.layers if layer.stack == "main" and _LAYER.match(layer.name)]
    answer: dict[int, Layer] = {}
    shortened: list[Layer] = []
    for layer in groups:
        indices = _indices(layer.name.removeprefix("layers."))
        if len(indices) == layer.count:
            answer.update(dict.fromkeys(indices, layer))
        else:
            shortened.append(layer)
    left = (index for index in range(sum(layer.count for layer in groups)) if index not in answer)
    answer |= dict(zip(list(left), [layer for layer in shortened for _ in range(layer.count)], strict=False))
    return dict(sorted(answer.items()))


def _indices(text: str) -> list[int]:
    """``0-4,7`` or ``1-9:2`` as numbers; none where the text is shortened."""
    answer: list[int] = []
    for part in text.split(","):
        found = re.match(r"^(\d+)(?:-(\d+)(?::(\d+))?)?$", part)
        if found is None:
            return []
        answer += range(int(found[1]), int(found[2] or found[1]) + 1, int(found[3] or 1))
    return answer


def _places(tensors: Sequence[Tensor]) -> tuple[dict[int, list[Named]], str | None, list[Tensor]]:
    """The blocks of the language model, the prefix of their names, and everything else."""
    places: dict[str, dict[int, list[Named]]] = {}
    outside: list[Tensor] = []
    for tensor in tensors:
        place = _INDEX.search(tensor.name)
        if place is None:
            outside.append(tensor)
        else:
            blocks = places.setdefault(tensor.name[: place.start()], {})
            blocks.setdefault(int(place[1]), []).append((tensor.name[place.end() :], tensor))
    sizes = {prefix: sum(tensor.values for block in blocks.values() for _, tensor in block)
             for prefix, blocks in places.items() if not _TOWER.search(prefix)}  # fmt: skip
    main = max(sizes, key=sizes.__getitem__) if sizes else None
    outside += [tensor for prefix, blocks in places.items() if prefix != main
                for block in blocks.values() for _, tensor in block]  # fmt: skip
    return places.get(main, {}) if main is not None else {}, main, outside


def _scales_of(scales: Sequence[Tensor], main: str | None, shapes: dict[int, Layer]) -> tuple[dict[int, list[Tensor]],
                                                                                             list[Tensor]]:  # fmt: skip
    answer: dict[int, list[Tensor]] = {}
    loose: list[Tensor] = []
    for tensor in scales:
        place = _INDEX.search(tensor.name)
        if place is not None and tensor.name[: place.start()] == main and int(place[1]) in shapes:
            answer.setdefault(int(place[1]), []).append(tensor)
        else:
            loose.append(tensor)
    return answer, loose


def _ends(rest: list[Layer], outside: list[Tensor]) -> tuple[list[Layer], list[Layer], list[Tensor]]:
    """Embeddings and the output by name; towers together, where what is left adds up to them."""
    main = [layer for layer in rest if layer.stack == "main"]
    towers = [layer for layer in rest if layer.stack != "main"]
    operators = [op for layer in main for op in layer.operators]
    mine = [tensor for tensor in outside if operator_outside(tensor.name) or not towers]
    others = [tensor for tensor in outside if tensor.name not in {one.name for one in mine}]
    found = match(operators, [(tensor.name, tensor) for tensor in mine], lambda name: (operator_outside(name),))
    others += found.unused
    if towers and others:
        works = [op for layer in towers for op in layer.operators for _ in range(layer.count)]
        others, towers = surplus(others, works), by_rank(towers, others)
    parts = iter(found.parts)
    ends = [replace(layer, operators=tuple(op for _ in layer.operators for op in next(parts))) for layer in main]
    before = [layer for layer in ends if layer.kind == "embedding"]
    return before, [*(layer for layer in ends if layer.kind != "embedding"), *towers], others
