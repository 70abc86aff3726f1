"""Measures a model: the five metrics that its layers need, for a sequence length and a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from advisor.errors import InputError, UnknownNameError
from advisor.expand import OPTIMIZER_BYTES
from advisor.formats import format_named
from advisor.metrics import NOTHING, Metrics, Pass, total
from advisor.models import Layer, Model
from advisor.operators import Attention, Embedding, ExpertMatMul, MatMul, Operator, Recurrence

#: Prompt that is assumed where none is given: the workload's default.
DEFAULT_SEQUENCE = 1024
STATE_BYTES = 4.0  # recurrent state is kept in fp32


@dataclass(frozen=True)
class Question:
    """What the metrics are of: ``batch`` sequences (samples) of ``seq_len`` tokens, trained or not."""

    model: Model
    seq_len: int
    batch: int = 1
    train: bool = False
    optimizer: str = "adam"

    @property
    def units(self) -> int:
        """Units that go through at once: tokens, or samples."""
        return self.batch * self.seq_len

    @property
    def wide_bytes(self) -> float:
        """Bytes of an activation value: 4 of an fp32 model, else 2."""
        return 4.0 if format_named(self.model.weight_format).bits >= 32 else 2.0


def question(
    model: Model, seq_len: int | None = None, batch: int = 1, train: bool = False, optimizer: str = "adam"
) -> Question:
    """Check the shape; a network without a sequence axis has samples, whatever ``seq_len`` is."""
    if batch < 1 or (seq_len is not None and seq_len < 1):
        raise InputError("seq_len and batch: expected 1 or more")
    if optimizer.lower() not in OPTIMIZER_BYTES:
        raise UnknownNameError("optimizer", optimizer, OPTIMIZER_BYTES)
    if model.unit != "token":
        seq_len = 1
    elif seq_len is None:
        seq_len = min(DEFAULT_SEQUENCE, model.max_context or DEFAULT_SEQUENCE)
    return Question(model, seq_len, batch, train, optimizer.lower())


def measure(asked: Question) -> tuple[Metrics, list[Metrics]]:
    """The metrics of the whole model, and of each of its layer groups in order."""
    groups = [_group(layer, asked) for layer in asked.model.layers]
    return total(asked.model.name, "model", groups, _axes(asked)), groups


def _group(layer: Layer, asked: Question) -> Metrics:
    model = asked.model
    main = layer.stack == "main"
    formats: dict[str, float] = {}
    for op, copies in _operators(layer):
        if op.parameters:
            name = format_named(model.format_of(op)).name
            formats[name] = formats.get(name, 0.0) + copies * op.parameters * format_named(name).bits / 8
    cache = sum(copies * op.cache_elements for op, copies in _operators(layer)) if main else 0
    kept = sum(copies * op.cache_elements * int(op.cached(asked.seq_len)) for op, copies in _operators(layer)
               if isinstance(op, Attention)) if main else 0  # fmt: skip
    state = sum(copies * op.state_elements for op, copies in _operators(layer)) if main else 0
    cache_width = format_named(model.cache_format).bits / 8
    widest = max((op.activation_elements for op in layer.operators), default=0) if main else 0
    saved = sum(copies * op.saved_elements for op, copies in _operators(layer)) if main else 0
    full_precision = format_named(model.weight_format).bits >= 32  # fp32 weights are their own master copy
    each = OPTIMIZER_BYTES[asked.optimizer] - (4.0 if full_precision else 0.0)
    trained = layer.parameters if asked.train else 0
    return Metrics(
        name=layer.name, kind=layer.kind, stack=layer.stack, count=layer.count, parameters=layer.parameters,
        active_parameters=layer.active_parameters, weight_bytes=sum(formats.values()), weight_bytes_by_format=formats,
        cache_bytes_per_token=cache * cache_width, cache_bytes=asked.batch * kept * cache_width,
        state_bytes=asked.batch * state * STATE_BYTES, activation_bytes=widest * asked.units * asked.wide_bytes,
        gradient_bytes=trained * (4.0 if full_precision else 2.0), optimizer_bytes=trained * each,
        saved_bytes=saved * asked.units * asked.wide_bytes if asked.train else 0.0,
        passes=_passes(layer, asked), independent=_independent(layer, asked), axes=_layer_axes(layer),
    )  # fmt: skip


def _operators(layer: Layer) -> Iterator[tuple[Operator, int]]:
    return ((op, op.copies * layer.count) for op in layer.operators)


def _passes(layer: Layer, asked: Question) -> dict[str, Pass]:
    """Forward, and for a generating model prefill and one decode step."""
    names = ("forward", "prefill", "decode") if asked.model.generates else ("forward",)
    if layer.stack != "main":
        return dict.fromkeys(names, NOTHING)
    answer = {}
    for name in names:
        parts = (_one_pass(op, copies, asked, name) for op, copies in _operators(layer))
        answer[name] = sum(parts, NOTHING)
    return answer


def _one_pass(op: Operator, copies: int, asked: Question, name: str) -> Pass:
    """One operator: its weights are read once a pass, of experts those that are expected to be used."""
    model, context = asked.model, asked.seq_len
    decodes = name == "decode"
    one_each = decodes or (name == "prefill" and op.last_unit_only)
    units = asked.batch if one_each else asked.units
    flops = op.absorbed_flops(units, context) if decodes and isinstance(op, Attention) else op.flops(units, context)
    cache_width = format_named(model.cache_format).bits / 8
    cache = op.cache_elements * units * cache_width if model.generates else 0.0  # written once
    if decodes and isinstance(op, Attention):
        cache += op.cache_elements * asked.batch * float(op.cached(context)) * cache_width
    if isinstance(op, Recurrence):
        cache += 2 * op.state_elements * asked.batch * STATE_BYTES
    activations = op.activation_elements * units * asked.wide_bytes
    weights = _weights_read(op, units) * format_named(model.format_of(op)).bits / 8
    return Pass(flops=int(copies * flops), weight_bytes=copies * weights, activation_bytes=copies * activations,
                cache_bytes=copies * cache)  # fmt: skip


def _weights_read(op: Operator, units: int) -> float:
    """Weight values that one pass reads; a look-up's rows are activations."""
    if isinstance(op, ExpertMatMul):
        return float(op.experts_touched(units)) * op.weight_elements
    if isinstance(op, MatMul):
        return op.weight_elements
    return 0 if isinstance(op, Embedding) else op.parameters


def _independent(layer: Layer, asked: Question) -> int:
    """Output values of the widest operator: what could be computed at once."""
    if layer.stack != "main":
        return 0
    widths = [op.copies * asked.units * op.positions * _outputs(op) for op in layer.operators]
    return max(widths, default=0)


def _outputs(op: Operator) -> int:
    if isinstance(op, ExpertMatMul):
        return op.outputs * op.experts_per_unit
    if isinstance(op, MatMul):
        return op.outputs
    if isinstance(op, Attention):
        return op.heads * op.value_width
    if isinstance(op, Recurrence):
        return max(1, op.activation_width) if not op.sequential else 1
    return 0


def _layer_axes(layer: Layer) -> dict[str, int]:
    """Heads and experts of a layer: how far it alone can be divided."""
    heads = [op.heads for op in layer.operators if isinstance(op, Attention)]
    experts = [op.experts for op in layer.operators if isinstance(op, ExpertMatMul)]
    return {name: max(sizes) for name, sizes in (("heads", heads), ("experts", experts)) if sizes}


def _axes(asked: Question) -> dict[str, int]:
    """How far each kind of parallelism can be carried."""
    model = asked.model
    experts = max((op.experts for op, _ in model.operators(None) if isinstance(op, ExpertMatMul)), default=1)
    axes = {"batch": asked.batch, "tensor": model.tensor_parallel_limit, "pipeline": model.blocks, "expert": experts}
    if model.unit == "token":
        axes["sequence"] = asked.seq_len
    return axes
