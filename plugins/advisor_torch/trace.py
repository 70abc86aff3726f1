"""Traces one forward pass of a module on fake tensors: every ATen operator with its shapes, nothing computed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from advisor.errors import InputError
from advisor.models import Model
from advisor.operators import Operator
from advisor_graph.placed import Placed
from advisor_torch.convert import to_model
from advisor_torch.operators import apply
from advisor_torch.values import Call, Value, stored

_KNOWN = ("aten", "prims", "quantized_decomposed")


def trace(module: Any, example_inputs: Any, name: str, unit: str = "sample") -> Model:
    """Run the module on fake copies of the inputs and return what it would do as a model."""
    import torch

    if not isinstance(module, torch.nn.Module):
        raise InputError(f"from_torch: expected a torch.nn.Module, not {type(module).__name__}")
    collected = collect(module, example_inputs)
    shapes = [tuple(value.shape) for value in _leaves(_arguments(example_inputs))]
    weights = [value.weights[0] for value in collected.stored.values()]
    return to_model(collected.placed, weights, name or type(module).__name__, type(module).__name__, shapes,
                    collected.notes, unit, trainable_parameters=collected.trainable)  # fmt: skip


def collect(module: Any, example_inputs: Any) -> Collector:
    """Run the module on fake copies of the inputs; raises ``InputError`` where its own code fails on them."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    arguments, keywords = _arguments(example_inputs)
    collected = Collector(module)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    fast = torch.backends.mha.get_fastpath_enabled()
    training = {child: child.training for child in module.modules()}
    try:
        torch.backends.mha.set_fastpath_enabled(False)  # it hides projections in one fused operator
        module.eval()
        fake = _mapped(arguments, mode.from_tensor), _mapped(keywords, mode.from_tensor)
        with _silent(), torch.no_grad(), mode, _recorder(collected), collected.hooked():
            module(*fake[0], **fake[1])
    except Exception as error:  # whatever the module's own code raises
        what = f"{type(module).__name__} fails on these inputs: {type(error).__name__}"
        raise InputError(f"from_torch: {what}: {' '.join(str(error).split())[:300]}") from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for child, was in training.items():
            child.training = was
    return collected


def _arguments(given: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    if isinstance(given, Mapping):
        return (), given
    return (tuple(given), {}) if isinstance(given, (list, tuple)) else ((given,), {})


def _mapped(value: Any, change: Any) -> Any:
    import torch
    from torch.utils import _pytree

    return _pytree.tree_map(lambda leaf: change(leaf) if isinstance(leaf, torch.Tensor) else leaf, value)


def _leaves(value: Any) -> list[Any]:
    import torch
    from torch.utils import _pytree

    return [leaf for leaf in _pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


@contextmanager
def _silent() -> Iterator[None]:
    """Keep torch's own report of a failing operator off the terminal: the error says it."""
    loggers = [logging.getLogger(name) for name in ("torch._subclasses.fake_tensor", "torch")]
    before = [logger.disabled for logger in loggers]
    try:
        for logger in loggers:
            logger.disabled = True
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was


class Collector:
    """Values by tensor, and operators by the module that ran them."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.stored: dict[int, Value] = {}
        self.values: dict[int, tuple[Any, Value]] = {}  # the tensor is held so that its id stays its own
        self.placed: list[Placed] = []
        self.notes: dict[str, None] = {}
        self._by_module: dict[str, Placed] = {}
        self._stack: list[tuple[str, str]] = [("", type(module).__name__)]
        self.trainable = 0
        for trains, named in ((True, module.named_parameters()), (False, module.named_buffers())):
            for title, tensor in named:
                if id(tensor) not in self.stored:
                    value = stored(title, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), trains)
                    self.stored[id(tensor)] = value
                    self.trainable += tensor.numel() if trains and tensor.requires_grad else 0

    def value(self, tensor: Any) -> Value:
        """Return what is known of a tensor."""
        found = self.stored.get(id(tensor))
        if found is not None:
            return found
        entry = self.values.get(id(tensor))
        return self.new(tensor) if entry is None else entry[1]

    def new(self, tensor: Any) -> Value:
        """Return the value of a tensor that was not seen before."""
        value = Value(tuple(int(size) for size in tensor.shape), str(tensor.dtype).removeprefix("torch."))
        self.values[id(tensor)] = (tensor, value)
        return value

    def record(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """Note one call."""
        import torch

        schema = function._schema
        space, _, op = schema.name.partition("::")
        if space == "prim":  # what a tensor is like
            return
        named = {argument.name: given for argument, given in zip(schema.arguments, args, strict=False)} | dict(kwargs)
        arguments = {key: self._described(given) for key, given in named.items()}
        outputs = []
        for one in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(one, torch.Tensor):
                own = self.stored.get(id(one))
                outputs.append(self.new(one) if own is None and id(one) not in self.values else self.value(one))
        path, kind = self._stack[-1]
        if path not in self._by_module:
            self._by_module[path] = Placed(path or kind, kind)
            self.placed.append(self._by_module[path])
        call = Call(op, arguments, outputs, self._by_module[path])
        if space not in _KNOWN:
            why = f"{schema.name} is not an operator of torch"
            call.placed.operators.append(Operator(name="unknown", unknown=why))
            self.notes[f"module {path or kind}: {why}; its FLOPs are not counted"] = None
            call.placed.stored("weights", call.claim(*call.tensors))
        else:
            apply(call)

    def _described(self, given: Any, depth: int = 0) -> Any:
        import torch

        if isinstance(given, torch.Tensor):
            return self.value(given)
        if isinstance(given, (list, tuple)) and depth < 4:
            return [self._described(one, depth + 1) for one in given]
        return given

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Follow which module is running."""
        handles = []

        def enter(path: str, kind: str) -> Any:
            def hook(module: Any, args: Any) -> None:
                self._stack.append((path, kind))

            return hook

        def leave(module: Any, args: Any, output: Any) -> None:
            self._stack.pop()

        try:
            for path, child in self.module.named_modules():
                handles.append(child.register_forward_pre_hook(enter(path, type(child).__name__)))
                handles.append(child.register_forward_hook(leave, always_call=True))
            yield
        finally:
            for handle in handles:
                handle.remove()


def _recorder(collected: Collector) -> Any:
    """Return a mode in which every operator is noted after it ran."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):  # type: ignore[misc, unused-ignore]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            collected.record(function, args, kwargs or {}, result)
            return result

    return Recorder()
