"""Makes the advisor's model of traced modules."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from advisor.formats import format_named
from advisor.models import Model
from advisor_graph.layers import main_format, to_layers
from advisor_graph.placed import Placed
from advisor_graph.weights import Weight


def to_model(
    placed: list[Placed], weights: Iterable[Weight], name: str, origin: str, shapes: list[tuple[int, ...]],
    notes: Iterable[str] = (), unit: str = "sample", reader: str = "torch", **attributes: Any,
) -> Model:  # fmt: skip
    """Return the model; stored tensors that no operator used are a layer of their own."""
    weights = list(weights)
    unused = [weight for weight in weights if weight.trainable and not weight.claimed]
    if unused:
        rest = Placed("unused", "Unused")
        rest.stored("weights", unused)
        placed = [*placed, rest]
    main = main_format(placed)
    layers = to_layers(placed, main)
    wide = main if format_named(main).bits >= 16 else "bf16"
    sizes = ", ".join("x".join(map(str, shape)) or "scalar" for shape in shapes[:6])
    return Model(
        name=name, family=reader, layers=layers, unit="token" if unit == "token" else "sample", weight_format=main,
        cache_format="fp16" if wide == "fp16" else "bf16", reader=reader, source=origin,
        blocks=max(1, sum(layer.count for layer in layers if layer.parameters)),
        sample_elements=sum(_product(shape) for shape in shapes),
        notes=(f"one sample is one call on {sizes or 'no tensors'}", *notes),
        attributes=MappingProxyType({
            "inputs": [list(shape) for shape in shapes],
            "buffer_values": sum(weight.elements for weight in weights if not weight.trainable), **attributes,
        }),
    )  # fmt: skip


def _product(shape: tuple[int, ...]) -> int:
    answer = 1
    for size in shape:
        answer *= size
    return answer
