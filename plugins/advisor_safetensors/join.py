"""The architecture of ``config.json`` with the formats and bytes of the headers."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from advisor.models import Layer, Model
from advisor.operators import MatMul, Operator
from advisor.records import replace
from advisor_safetensors.blocks import by_block
from advisor_safetensors.files import Checkpoint
from advisor_safetensors.names import is_buffer, operator_outside
from advisor_safetensors.packed import Unpacked, describe
from advisor_tensors import Tensor, common_format, settle, vectors
from advisor_tensors.table import attributes_of


def joined(model: Model, checkpoint: Checkpoint, unpacked: Unpacked) -> Model:
    """The model with its weights as the headers describe them, and notes on what differs.

    Tensors that the configuration doesn't account for (heads for further tokens, towers) are kept as a
    layer that holds weights and does no work. Masks and positions are no weights and left out.
    """
    weights = [tensor for tensor in unpacked.weights if not is_buffer(tensor.name)]
    held = Unpacked(weights, unpacked.scales, unpacked.packed, unpacked.bits)
    shaped = _tied(model, weights) if not checkpoint.missing else model
    formats = {tensor.format for tensor in weights}
    if len(formats) == 1:
        layers, extra, scales = _uniform(shaped, weights, formats.pop()), _excess(shaped, weights), unpacked.scales
    else:
        layers, extra, scales = by_block(shaped, held)
    for name, tensors in (("beside the configuration", extra), ("scales", scales)):
        if tensors:
            operators = tuple(vectors(name.split()[0], tensors, elements=0))
            layers.append(Layer(name=name, kind="other", operators=operators, stack="other"))
    layers = _each(layers, lambda op: op if op.native_format else replace(op, native_format=shaped.format_of(op)))
    form = _own_format(model, layers)
    answer = replace(
        shaped, layers=settle(layers, form), weight_format=form, reader="safetensors", source=str(checkpoint.path),
        attributes=MappingProxyType({**model.attributes, **attributes_of(checkpoint.tensors, checkpoint.files)}),
    )  # fmt: skip
    buffers = sum(tensor.bytes for tensor in unpacked.weights) - sum(tensor.bytes for tensor in weights)
    return replace(answer, notes=(*model.notes, *_notes(model, answer, checkpoint, held, extra, buffers)))


def _own_format(model: Model, layers: list[Layer]) -> str:
    """The format of most weights; the configuration's where it says itself that some differ and the headers agree."""
    mixed = any(op.quantizable and op.native_format for op, _ in model.operators())
    found = {op.native_format for layer in layers for op in layer.operators if op.quantizable and op.parameters}
    return model.weight_format if mixed and model.weight_format in found else common_format(layers)


def _each(layers: list[Layer], change: Callable[[Operator], Operator]) -> list[Layer]:
    return [replace(layer, operators=tuple(map(change, layer.operators))) for layer in layers]


def _tied(model: Model, weights: list[Tensor]) -> Model:
    """Without a tensor of its own, the output's weights are the embedding's, whatever the configuration says."""
    outside = {operator_outside(tensor.name): tensor for tensor in weights}
    table = outside.get("embed_tokens")

    def tie(op: Operator) -> Operator:
        if not isinstance(op, MatMul) or op.name != "lm_head" or table is None:
            return op
        if op.tied or "lm_head" not in outside:
            return replace(op, tied=True, bias=False, native_format=table.format)
        return op

    return replace(model, layers=tuple(_each(list(model.layers), tie)))


def _uniform(model: Model, weights: list[Tensor], form: str) -> list[Layer]:
    """Everything in the one format that there is."""
    return _each(list(model.layers), lambda op: replace(op, native_format=form) if op.parameters else op)


def _excess(model: Model, weights: list[Tensor]) -> list[Tensor]:
    """One tensor of as many values as the file has more than the model; none where it has fewer."""
    more = sum(tensor.values for tensor in weights) - model.parameters
    if more <= 0:
        return []
    first = weights[0]
    return [Tensor("", (more,), first.type, first.format, more, more * first.bytes // max(first.values, 1))]


def _notes(model: Model, answer: Model, checkpoint: Checkpoint, held: Unpacked, extra: list[Tensor],
           buffers: int) -> list[str]:  # fmt: skip
    notes = [*checkpoint.notes, *describe(held)]
    weights = sum(tensor.values for tensor in held.weights)
    if buffers:
        notes.append(f"{buffers:,} bytes of masks and positions are no weights: left out")
    if checkpoint.missing:
        said = f"; the index says {checkpoint.total_bytes:,} bytes in all" if checkpoint.total_bytes else ""
        notes.append(f"{len(checkpoint.missing)} shards are missing, {checkpoint.missing[0]} first: what they hold is "
                     f"taken from the configuration, {answer.weight_bytes:,.0f} bytes in all{said}")  # fmt: skip
        return notes
    difference = weights - model.parameters
    if difference:
        names = ", ".join(tensor.name for tensor in extra[:2] if tensor.name)
        compared = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than the configuration says"
        notes.append(f"the headers hold {weights:,} parameters, {compared}{f', such as {names}' if names else ''}")
    stored = sum(tensor.bytes for tensor in [*held.weights, *held.scales])
    if abs(answer.weight_bytes - stored) >= 1:
        notes.append(f"the headers hold {stored:,} bytes of weights; the layers account for {answer.weight_bytes:,.0f}")
    return notes
