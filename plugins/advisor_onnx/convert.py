"""Makes the advisor's model of what the walk collected."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from advisor.formats import format_named
from advisor.models import Model
from advisor.operators import Elementwise
from advisor_graph.layers import main_format, operators_of, to_layers
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.names import is_parameter
from advisor_onnx.walk import Walk

MOST_PARAMETERS = 10**16


def to_model(walk: Walk, name: str, origin: str) -> Model:
    """Return the model; one unit is one run of the graph on the sizes of its inputs."""
    main = main_format(walk.placed)
    layers = to_layers(walk.placed, main)
    if not layers:
        raise OnnxError("none of its nodes does any work")
    total = sum(layer.parameters for layer in layers)
    if total > MOST_PARAMETERS:
        raise OnnxError(f"its tensors hold {total:.3g} parameters; at most {MOST_PARAMETERS:.0e} are believed")
    wide = main if format_named(main).bits >= 16 else "bf16"
    return Model(
        name=name, family="onnx", layers=layers, unit="sample", weight_format=main,
        cache_format="fp16" if wide == "fp16" else "bf16", reader="onnx", source=origin,
        blocks=max(1, sum(layer.count for layer in layers if layer.parameters)),
        sample_elements=sum(math.prod(shape) for _, shape, _ in walk.inputs), notes=tuple(_notes(walk)),
        attributes=MappingProxyType(_attributes(walk, total)),
    )  # fmt: skip


def _notes(walk: Walk) -> Iterable[str]:
    dims = walk.dimensions
    shapes = ", ".join(f"{shown(name, 40)[1:-1]} {'x'.join(map(str, shape)) or 'scalar'}"
                       for name, shape, _ in walk.inputs[:6])  # fmt: skip
    more = f" and {len(walk.inputs) - 6} more" if len(walk.inputs) > 6 else ""
    yield f"one sample is one run of the graph on {shapes or 'no inputs'}{more}"
    if dims.chosen:
        chosen = ", ".join(f"{shown(name, 40)[1:-1]}={size}" for name, size in list(dims.chosen.items())[:8])
        yield f"open dimensions taken as {chosen}; set them with --dim NAME=SIZE"
    if dims.unused():
        known = ", ".join(shown(name, 40)[1:-1] for name in list(dims.names)[:8]) or "none"
        yield f"no dimension is named {', '.join(dims.unused()[:8])}; open ones are {known}"
    if walk.store.missing:
        files = ", ".join(shown(name, 40)[1:-1] for name in list(walk.store.missing)[:4])
        yield f"external data is not in the folder ({files}); sizes are those that the file states"
    yield from walk.notes


def _attributes(walk: Walk, total: int) -> dict[str, Any]:
    document = walk.document
    frozen = sum(op.copies * op.parameters for op in operators_of(walk.placed)
                 if isinstance(op, Elementwise) and not op.trainable)  # fmt: skip
    answer: dict[str, Any] = {
        "ir_version": document.ir_version, "opset": document.opsets.get("", 0), "trainable_parameters": total - frozen,
        "inputs": {name[:80]: list(shape) for name, shape, _ in walk.inputs[:100]},
        "outputs": [list(shape) for shape in walk.outputs[:100]],
        "constant_values": sum(one.elements for one in walk.weights if not one.claimed and not is_parameter(one)),
        "unused_values": sum(one.elements for one in walk.weights if not one.claimed and is_parameter(one)),
        "scale_values": walk.scale_values,
    }  # fmt: skip
    if document.producer:
        answer["producer"] = document.producer[:80]
    stored: dict[str, int] = {}
    for weight in walk.weights:
        if weight.claimed:
            kind = weight.kind
            stored[kind] = stored.get(kind, 0) + weight.elements
    answer["elements_by_type"] = stored
    return answer
