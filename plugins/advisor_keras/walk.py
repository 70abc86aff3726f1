"""Walks a Keras graph in order, with shapes, and collects the operators of every layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.operators import Elementwise, Operator
from advisor.records import replace
from advisor_keras.config import Config, ConfigError, Shape, plain, shown
from advisor_keras.layers import operation, operation_name
from advisor_keras.operators import reused
from advisor_keras.result import LAYERS, LayerFunction, Result, elements, unknown
from advisor_keras.serialized import NETWORKS, describe, is_network
from advisor_keras.tensors import Call, Tensor, described, leaves

MOST_USES = 20_000
MOST_SECONDS = 1.5  # of this thread's processor time
MOST_ELEMENTS = 2**62
MOST_DEPTH = 24


@dataclass
class Collected:
    """A layer's operators over all its uses."""

    kind: str
    operators: list[Operator] = field(default_factory=list)
    uses: int = 0
    trainable: bool = True
    dtype: Any = None


class Walk:
    """State of one reading: layers by path, notes, and the limits that keep hostile files bounded."""

    def __init__(self, options: Mapping[str, Any] | None = None, parent: Walk | None = None) -> None:
        self.options = options or {}
        self.layers: dict[str, Collected] = {}
        self.inputs: list[Shape] = []
        self.outputs: list[Shape] = []
        self.notes: dict[str, None] = parent.notes if parent else {}
        self.parsed: dict[int, Any] = parent.parsed if parent else {}  # graphs by the identity of their document
        self._until: float = parent._until if parent else time.thread_time() + MOST_SECONDS
        self._spent: list[int] = parent._spent if parent else [0]
        self._depth: list[int] = parent._depth if parent else [0]

    def note(self, line: str) -> None:
        """Keep one line for the user, once, up to a hundred."""
        if len(self.notes) < 100:
            self.notes[line] = None

    def run(self, document: Any, run_network: Callable[[Walk, Any, str, None], list[Tensor]]) -> None:
        """Walk the whole model from the inputs that it declares."""
        self.outputs = [tensor.shape for tensor in run_network(self, document, "", None)]

    def apply(self, document: Any, path: str, call: Call) -> list[Tensor]:
        """Use a layer (or a nested model) on tensors and return its outputs."""
        self._spent[0] += 1
        if self._spent[0] > MOST_USES:
            raise ConfigError(f"the graph uses layers more than {MOST_USES} times, nested models included")
        if time.thread_time() > self._until:
            raise ConfigError(f"the graph takes more than {MOST_SECONDS} s to walk")
        kind, values, name = describe(document)
        here = f"{path}/{name}" if path else name
        if is_network(document) and (kind in NETWORKS or "output_layers" in values):
            return self._nested(document, here, call)
        config = Config(values, name, kind, self, document, described(call.arguments), described(call.keywords))
        named = leaves({key: value for key, value in call.keywords.items() if not key.endswith("mask")})
        tensors = leaves(call.arguments)
        plain = operation_name(config)
        if plain is not None:
            tensors, named = tensors + named, []
            result = operation(plain, config, [tensor.shape for tensor in tensors])
        else:
            tensors, named = (tensors, named) if tensors else (named, [])
            result = self._evaluate(config, [tensor.shape for tensor in tensors])
        if result.guessed:
            result = self._guess(config, result, call.recorded)
        return self._collect(here, config, result, tensors, named)

    def inner(self, document: Any, inputs: list[Shape]) -> Result:
        """Evaluate the layer or model that a wrapper layer holds; ``outputs`` and operators are its own."""
        sub = Walk(self.options, parent=self)
        tensors = [Tensor(shape, [True]) for shape in inputs]
        first: Any = tensors[0] if len(tensors) == 1 else tensors
        outputs = sub.apply(document, "", Call((first,)))
        prefixed = len(sub.layers) > 1
        operators = [
            replace(op, name=f"{path}.{op.name}") if prefixed else op
            for path, collected in sub.layers.items() for op in collected.operators
        ]  # fmt: skip
        return Result(
            outputs=tuple(tensor.shape for tensor in outputs), operators=tuple(operators), saves_input=True,
            saves_output=any(tensor.saved for tensor in outputs),
        )  # fmt: skip

    def _evaluate(self, config: Config, inputs: list[Shape]) -> Result:
        function = layer_function(config)
        if function is None:
            return unknown(config, inputs, f"{plain(config.kind)} is not a standard Keras layer")
        self._enter()
        try:
            return function(config, inputs)
        finally:
            self._depth[0] -= 1

    def _enter(self) -> None:
        self._depth[0] += 1
        if self._depth[0] > MOST_DEPTH:
            raise ConfigError(f"models are nested more than {MOST_DEPTH} deep")

    def _nested(self, document: Any, here: str, call: Call) -> list[Tensor]:
        from advisor_keras.graph import run_network

        self._enter()
        try:
            return run_network(self, document, here, leaves(call.arguments) or leaves(call.keywords))
        finally:
            self._depth[0] -= 1

    def _guess(self, config: Config, result: Result, recorded: tuple[int | None, ...] | None) -> Result:
        why = next((op.unknown for op in result.operators if op.unknown), "")
        said = f"layer {shown(config.name)}: {why}; its parameters and FLOPs are not counted"
        if recorded is None:
            self.note(f"{said}, and its output is taken to have its input's shape, which the file does not record")
            return result
        self.note(said)
        from advisor_keras.inputs import fill

        # Open sizes are most likely those of the input, where it has as many axes.
        near = result.outputs[0] if result.outputs and len(result.outputs[0]) == len(recorded) else None
        if near is not None:
            recorded = tuple(near[axis] if size is None else size for axis, size in enumerate(recorded))
        return replace(result, outputs=(fill(recorded, config.name, self),))

    def _collect(
        self, here: str, config: Config, result: Result, tensors: list[Tensor], named: list[Tensor]
    ) -> list[Tensor]:
        operators = list(result.operators)
        for shape in result.outputs:
            if any(size <= 0 for size in shape):
                raise config.fail(f"its output would have shape {shown(shape)}; the input is too small")
            if elements(shape) > MOST_ELEMENTS:
                raise config.fail(f"its output would have {shown(elements(shape))} values a sample")
        if result.passes_input and len(tensors) == len(result.outputs):
            outputs = [
                tensor.viewed(shape) for tensor, shape in zip(tensors, result.outputs, strict=True)
            ]
        else:
            outputs = [Tensor(shape) for shape in result.outputs]
        before = sum(tensor.save() for tensor in tensors + named) if result.saves_input else 0
        after = sum(tensor.save() for tensor in outputs) if result.saves_output else 0
        if before or after:
            operators = operators or [Elementwise(name="saved", elements=0)]
            operators[0] = replace(operators[0], saved_elements=operators[0].saved_elements + before)
            operators[-1] = replace(operators[-1], saved_elements=operators[-1].saved_elements + after)
        collected = self.layers.setdefault(here, Collected(plain(config.kind)))
        if collected.uses:
            operators = [reused(op) for op in operators]
        else:
            collected.trainable = config.values.get("trainable") is not False
            collected.dtype = config.values.get("dtype")
        collected.uses += 1
        collected.operators += operators
        return outputs


def layer_function(config: Config) -> LayerFunction | None:
    """Return the function of a standard layer; None for a custom one."""
    module = config.document.get("module")
    registered = config.document.get("registered_name")
    if isinstance(module, str) and module:
        if not module.startswith(("keras.", "tf_keras.", "keras_core.", "tensorflow.")) and module not in _PACKAGES:
            return None
        if module.partition(".")[2].startswith("src."):  # Keras's own, even if it registered as if it were a user's
            registered = None
    if isinstance(registered, str) and ">" in registered and not registered.startswith("keras"):
        return None
    if config.kind.removeprefix("Custom>") in _APPLICATION_LAYERS:
        return LAYERS.get(config.kind.removeprefix("Custom>"))
    return LAYERS.get(config.kind)


_PACKAGES = ("keras", "tf_keras", "builtins")
#: Layers that keras.applications defines for itself; Keras 2 registers them as it does a user's.
_APPLICATION_LAYERS = ("CustomScaleLayer", "LayerScale", "StochasticDepth")
