"""What methods add to a frozen model: trained parameters as their papers and PEFT count them, and what they keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from advisor.context import Context
from advisor.errors import InputError
from advisor.models import Model
from advisor.operators import Elementwise, Embedding
from advisor_compression.adapters import adapted
from advisor_compression.targets import adapted_outputs, adapter_inputs, joined_parts

DEFAULT_TOKENS = 200  # of PEFT's comparison


@dataclass(frozen=True)
class Trained:
    """What a method adds: parameters, values a token kept for backward, and tokens before each sequence.

    ``made`` are the bytes that it makes of its weights in each pass and keeps for backward, whatever the batch;
    ``passes`` how often they go through memory, counted in PEFT's operations, backward's among them.
    """

    parameters: float
    kept: float
    tokens: float = 0.0
    made: float = 0.0
    passes: float = 0.0


Count = Callable[[Model, Context, tuple[str, ...], float], Trained]


def _layers(model: Model, targets: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """Inputs, outputs and copies of the linear layers that the method is beside."""
    return [(op.inputs, outputs, copies) for op, copies in adapted(model) for name, outputs in joined_parts(op, model)
            if not targets or name in targets]  # fmt: skip


def _kept(model: Model, targets: tuple[str, ...], copies: float) -> float:
    """Values a token of the inputs that the layers beside the model's keep, in as many copies as they are kept in."""
    return max(copies, 1.0) * adapter_inputs(model, targets, False)


def _whole(context: Context, name: str, otherwise: float) -> int:
    count = context.workload.settings.get(name, otherwise)
    if count < 1 or count != int(count):
        raise InputError(f"settings: {name}: expected a whole number such as {otherwise:g}, not {count:g}")
    return int(count)


def vera(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Two vectors a layer over random matrices that all layers share: rank and outputs."""
    layers = sum(number for _, _, number in _layers(model, targets))
    rank = context.workload.settings.get("lora_rank", 256)
    return Trained(layers * rank + adapted_outputs(model, targets), _kept(model, targets, copies))


def _tokens(context: Context) -> int:
    return _whole(context, "virtual_tokens", DEFAULT_TOKENS)


def prompt(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Embeddings of tokens before the text."""
    count = _tokens(context)
    return Trained(count * model.hidden_size, 0.0, float(count))


def prefix(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Keys and values of tokens before the text, in every layer."""
    return Trained(_tokens(context) * model.cache_elements_per_token, 0.0)


def adalora(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Singular vectors and values of a rank that is pruned in training: at first 1.5 times the rank that is left."""
    rank = _whole(context, "initial_rank", int(1.5 * _whole(context, "lora_rank", 8)))
    count = sum(number * rank * (inputs + outputs + 1) for inputs, outputs, number in _layers(model, targets))
    return Trained(count, _kept(model, targets, copies))


def _delta_bytes(model: Model, targets: tuple[str, ...]) -> float:
    """A change as large as the adapted weights, formed in fp32 for each pass."""
    return 4.0 * sum(number * inputs * outputs for inputs, outputs, number in _layers(model, targets))


def loha(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """The Hadamard product of two low-rank products."""
    rank = _whole(context, "lora_rank", 8)
    count = sum(number * 2 * rank * (inputs + outputs) for inputs, outputs, number in _layers(model, targets))
    return Trained(count, _kept(model, targets, copies), made=_delta_bytes(model, targets), passes=25.0)


def _factors(size: int, most: int) -> tuple[int, int]:
    """The most even pair of factors of a size whose smaller one is at most ``most``."""
    small = max(number for number in range(1, most + 1) if size % number == 0)
    return small, size // small


def lokr(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """The Kronecker product of a small matrix and a large one, of low rank where that is smaller."""
    rank, factor = _whole(context, "lora_rank", 8), _whole(context, "kronecker_factor", 8)
    count = 0
    for inputs, outputs, number in _layers(model, targets):
        (small_in, large_in), (small_out, large_out) = _factors(inputs, factor), _factors(outputs, factor)
        low = rank < max(large_in, large_out) / 2
        count += number * (small_in * small_out + (rank * (large_in + large_out) if low else large_in * large_out))
    return Trained(count, _kept(model, targets, copies), made=_delta_bytes(model, targets), passes=17.0)


def oft(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Rotations of blocks of each layer's inputs: a skew-symmetric matrix a block."""
    blocks = _whole(context, "rotation_blocks", 32)
    count = 0
    for inputs, _, number in _layers(model, targets):
        size = max(inputs // blocks, 1)
        count += number * (inputs // size) * size * (size - 1) // 2
    return Trained(count, _kept(model, targets, copies))


def p_tuning(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Tokens before the text, made by a network of three layers as wide as the model."""
    count, width = _whole(context, "virtual_tokens", 20), model.hidden_size
    return Trained(count * width + 3 * width * (width + 1), 0.0, float(count))


def norms(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """The scales of normalization; what they scale is kept for backward."""
    width = model.hidden_size
    found = [(op, number) for op, number in model.operators() if isinstance(op, Elementwise)
             and width <= op.parameters_own <= 2 * width]  # fmt: skip
    return Trained(sum(op.parameters_own * number for op, number in found), sum(width * number for _, number in found))


def rows_of_embedding(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """A few rows of the embedding, merged into a copy of the table in each pass."""
    tables = sum(op.parameters * number for op, number in model.operators() if isinstance(op, Embedding))
    return Trained(_whole(context, "trained_tokens", 2) * model.hidden_size, 0.0, made=2.0 * tables, passes=2.0)
