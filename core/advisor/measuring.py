"""Measures a model: the five metrics that its layers need, for a sequence length and a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from advisor.errors import InputError
from advisor.formats import format_named
from advisor.metrics import BACKWARD, NOTHING, Metrics, Pass, total
from advisor.models import Layer, Model
from advisor.operators import Attention, Embedding, ExpertMatMul, MatMul, Operator, Recurrence
from advisor.optimizers import check_optimizer, optimizer_bytes

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
    optimizer = check_optimizer(optimizer)
    if model.unit != "token":
        seq_len = 1
    elif seq_len is None:
        seq_len = min(DEFAULT_SEQUENCE, model.max_context or DEFAULT_SEQUENCE)
    return Question(model, seq_len, batch, train, optimizer)


def measure(asked: Question) -> tuple[Metrics, list[Metrics]]:
    """The metrics of the whole model, and of each of its layer groups in order."""
    groups = [_group(layer, asked) for layer in asked.model.layers]
    return total(asked.model.name, "model", groups, _axes(asked)), groups


def _group(layer: Layer, asked: Question) -> Metrics:
    model, main = asked.model, layer.stack == "main"
    formats = _weight_bytes(layer, model)
    cache_width = format_named(model.cache_format).bits / 8
    working = [op for op in _operators(layer) if main]  # other stacks run on inputs of their own
    caching = [] if asked.train else working
    cached = sum(copies * op.cache_elements * int(op.cached(asked.seq_len)) for op, copies in caching
                 if isinstance(op, Attention))  # fmt: skip
    passes = _passes(layer, asked)
    gradients = states = saved = 0.0
    if asked.train:
        full_precision = format_named(model.weight_format).bits >= 32  # fp32 weights are their own master copy
        gradients = layer.parameters * (4.0 if full_precision else 2.0)
        states = layer.parameters * optimizer_bytes(asked.optimizer, full_precision)
        saved = sum(copies * op.saved_elements for op, copies in working) * asked.units * asked.wide_bytes
        passes = _training_passes(passes["forward"], gradients, states, sum(formats.values()))
    return Metrics(
        name=layer.name, kind=layer.kind, stack=layer.stack, count=layer.count, parameters=layer.parameters,
        active_parameters=layer.active_parameters, weight_bytes=sum(formats.values()), weight_bytes_by_format=formats,
        cache_bytes_per_token=cache_width * sum(copies * op.cache_elements for op, copies in working),
        cache_bytes=asked.batch * cached * cache_width,
        state_bytes=asked.batch * STATE_BYTES * sum(copies * op.state_elements for op, copies in caching),
        activation_bytes=asked.wide_bytes * max((op.activation_elements * _units(op, asked) for op, _ in working),
                                                default=0),
        gradient_bytes=gradients, optimizer_bytes=states, saved_bytes=saved, passes=passes,
        independent=_independent(layer, asked), axes=_layer_axes(layer),
    )  # fmt: skip


def _weight_bytes(layer: Layer, model: Model) -> dict[str, float]:
    """Bytes of the stored weights, by format."""
    answer: dict[str, float] = {}
    for op, copies in _operators(layer):
        if op.parameters:
            stored = format_named(model.format_of(op))
            answer[stored.name] = answer.get(stored.name, 0.0) + copies * op.parameters * stored.bits / 8
    return answer


def _operators(layer: Layer) -> Iterator[tuple[Operator, int]]:
    return ((op, op.copies * layer.count) for op in layer.operators)


def _units(op: Operator, asked: Question) -> int:
    """Units that the operator runs on at once; a serving engine scores the last one of each sequence alone."""
    return asked.batch if op.last_unit_only and asked.model.generates and not asked.train else asked.units


def _passes(layer: Layer, asked: Question) -> dict[str, Pass]:
    """Forward, and for a generating model prefill and one decode step; or the three passes of a training step."""
    names = ("forward", "prefill", "decode") if asked.model.generates and not asked.train else ("forward",)
    answer = dict.fromkeys(names, NOTHING)
    if layer.stack == "main":
        for name in names:
            parts = (_one_pass(op, copies, asked, name) for op, copies in _operators(layer))
            answer[name] = sum(parts, NOTHING)
    return answer


def _training_passes(forward: Pass, gradients: float, states: float, weights: float) -> dict[str, Pass]:
    """Backward reads the weights again and twice the activations, and writes gradients; the update reads
    gradients and reads and writes optimizer state and weights."""
    backward = Pass(flops=BACKWARD * forward.flops, weight_bytes=forward.weight_bytes + gradients,
                    activation_bytes=BACKWARD * forward.activation_bytes, cache_bytes=0.0)  # fmt: skip
    update = Pass(flops=0, weight_bytes=gradients + 2 * states + weights, activation_bytes=0.0, cache_bytes=0.0)
    return {"forward": forward, "backward": backward, "update": update}


def _one_pass(op: Operator, copies: int, asked: Question, name: str) -> Pass:
    """One operator: its weights are read once a pass, of experts those that are expected to be used."""
    model, context = asked.model, asked.seq_len
    decodes = name == "decode"
    one_each = decodes or (name == "prefill" and op.last_unit_only)
    units = asked.batch if one_each else asked.units
    flops = op.absorbed_flops(units, context) if decodes and isinstance(op, Attention) else op.flops(units, context)
    cache_width = format_named(model.cache_format).bits / 8
    keeps = model.generates and not asked.train
    cache = op.cache_elements * units * cache_width if keeps else 0.0  # written once
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
