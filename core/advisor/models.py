"""A model as its reader understood it: layers of operators, from which the five metrics follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field

from advisor.errors import ModelFileError
from advisor.formats import format_named
from advisor.operators import Attention, Operator

Unit = Literal["token", "sample"]


class Layer(Struct, frozen=True, kw_only=True):
    """A group of operators, repeated ``count`` times with the same shapes.

    ``stack`` tells layers that see other units apart: ``main`` for the units of the workload,
    ``encoder`` or ``vision`` for towers that run once a request and only when their input is there.
    """

    name: str
    kind: str
    operators: tuple[Operator, ...]
    count: int = 1
    stack: str = "main"

    @property
    def parameters(self) -> int:
        """Parameters of all ``count`` layers."""
        return self.count * sum(op.copies * op.parameters for op in self.operators)

    @property
    def active_parameters(self) -> int:
        """Parameters that one unit uses, of all ``count`` layers."""
        return self.count * sum(op.copies * op.active_parameters for op in self.operators)


class Model(Struct, frozen=True, kw_only=True, dict=True):
    """What a reader made of a model file.

    ``unit`` is what flows through it: tokens, or samples of a network without a sequence axis.
    ``generates`` is true for decoders, which are served token by token. ``weight_format`` is the
    format of the stored weights where an operator does not say otherwise. ``hidden_size`` and
    ``blocks`` (sequential blocks, the limit of pipeline stages) bound the parallel layouts, as does
    ``tensor_parallel_limit`` (the heads or channels that tensor parallelism can divide).
    """

    name: str
    family: str
    layers: tuple[Layer, ...]
    unit: Unit
    generates: bool = False
    weight_format: str = "bf16"
    cache_format: str = "bf16"
    hidden_size: int = 0
    blocks: int = 1
    vocabulary: int = 0
    max_context: int | None = None
    tensor_parallel_limit: int = 1
    sample_elements: int = 0  # input values a sample, for networks without a sequence axis
    reader: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not self.layers:
            raise ModelFileError(f"{self.source or self.name}: no layers found in the model")
        format_named(self.weight_format)
        for layer in self.layers:
            for op in layer.operators:
                if op.parameters < 0 or op.copies < 0 or op.positions < 0 or layer.count < 0:
                    raise ModelFileError(f"{self.source or self.name}: {layer.name}.{op.name} has a negative size")

    @classmethod
    def from_torch(cls, module: Any, example_inputs: Any, **options: Any) -> Model:
        """Read a ``torch.nn.Module`` from the tensors of one call, with the plugin for torch. Nothing is computed."""
        from advisor.objects import read_object

        return read_object("torch", module, example_inputs, **options)

    @classmethod
    def from_jax(cls, function: Any, *shapes: Any, **options: Any) -> Model:
        """Read a function of JAX from the shapes of its arguments, with the plugin for JAX. Nothing is computed."""
        from advisor.objects import read_object

        return read_object("jax", function, *shapes, **options)

    def operators(self, stack: str | None = "main") -> Iterator[tuple[Operator, int]]:
        """Yield each operator with its number of copies in the model; ``None`` walks every stack."""
        for layer in self.layers:
            if stack is None or layer.stack == stack:
                for op in layer.operators:
                    yield op, op.copies * layer.count

    def format_of(self, op: Operator) -> str:
        """Name of the format in which the operator's weights are stored."""
        if op.native_format is not None:
            return op.native_format
        return self.weight_format if op.quantizable else self.wide_format

    @property
    def wide_format(self) -> str:
        """Format of what quantized checkpoints leave unquantized: 16 bits, or the model's own if wider."""
        return self.weight_format if format_named(self.weight_format).bits >= 16 else "bf16"

    @cached_property
    def parameters(self) -> int:
        """All parameters, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def active_parameters(self) -> int:
        """Parameters that one unit uses: all, less the experts it is not routed to."""
        return sum(layer.active_parameters for layer in self.layers)

    @cached_property
    def weight_bytes(self) -> float:
        """Bytes of the stored weights in their own formats."""
        return sum(copies * op.parameters * format_named(self.format_of(op)).bits / 8
                   for op, copies in self.operators(None))  # fmt: skip

    def forward_flops(self, seq_len: int = 1, batch: int = 1) -> int:
        """FLOPs of one forward pass over ``batch`` sequences of ``seq_len`` units (samples: 1).

        An encoder runs once over its own positions, by default as many as the decoder's.
        """
        length = seq_len if self.unit == "token" else 1
        total = sum(copies * op.flops(batch * length, length) for op, copies in self.operators())
        encoded = int(self.attributes.get("encoder_positions") or length)
        return int(total + sum(copies * op.flops(batch * encoded, encoded) for op, copies in self.operators("encoder")))

    @cached_property
    def has_encoder(self) -> bool:
        """Whether an encoder reads the input, so that the decoder starts empty."""
        return any(layer.stack == "encoder" for layer in self.layers)

    @cached_property
    def cache_elements_per_token(self) -> int:
        """Cached values that each further token adds while every layer still keeps it."""
        return sum(copies * op.cache_elements for op, copies in self.operators())

    @cached_property
    def cache_bytes_per_token(self) -> float:
        """Key-value cache bytes a token in the model's own cache format."""
        return self.cache_elements_per_token * format_named(self.cache_format).bits / 8

    @cached_property
    def state_elements(self) -> int:
        """Recurrent state values a sequence."""
        return sum(copies * op.state_elements for op, copies in self.operators())

    def cache_elements(self, context: Any) -> Any:
        """Cached values of one sequence of ``context`` tokens: windows capped, recurrent state included."""
        total: Any = self.state_elements
        for op, copies in self.operators():
            if isinstance(op, Attention):
                total = total + copies * op.cache_elements * op.cached(context)
        return total
