"""Walks a graph in the order of its nodes, with shapes, and collects the operators of every node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from advisor.operators import Operator
from advisor.records import replace
from advisor_graph.placed import Placed
from advisor_graph.weights import Weight
from advisor_onnx.call import Call
from advisor_onnx.dimensions import Dimensions
from advisor_onnx.document import Document, Function, Graph, Node, ValueInfo
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.evaluate import evaluate
from advisor_onnx.kinds import INT64
from advisor_onnx.names import is_parameter
from advisor_onnx.nodes import node_function
from advisor_onnx.stored import Store
from advisor_onnx.values import MOST_KNOWN, Shape, Value

MOST_STEPS = 300_000
MOST_DEPTH = 24
MOST_JOINED = 256
_NO_WEIGHTS = (INT64, 8, 9)  # shapes, text and masks: never parameters


@dataclass
class Scope:
    """Values by name within one graph; ``outer`` is the graph around it."""

    graph: Graph
    outer: Scope | None = None
    values: dict[str, Value] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    opsets: Mapping[str, int] = field(default_factory=dict)
    prefix: str = ""

    def find(self, name: str) -> Value | None:
        """Return a value of this graph or one around it; stored tensors become values when first used."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None


class Walk:
    """State of one reading."""

    def __init__(self, document: Document, store: Store, dimensions: Dimensions) -> None:
        self.document = document
        self.store = store
        self.dimensions = dimensions
        self.placed: list[Placed] = []
        self.notes: dict[str, None] = {}
        self.weights: list[Weight] = []
        self.scale_values = 0  # scales and zero points of quantized tensors
        self.inputs: list[tuple[str, Shape, int]] = []
        self.outputs: list[Shape] = []
        self._steps = 0
        self._depth = 0

    def note(self, line: str) -> None:
        """Keep one line for the user, once, up to a hundred."""
        if len(self.notes) < 100:
            self.notes[line] = None

    def run(self) -> None:
        """Walk the main graph from the inputs that it declares."""
        graph = self.document.graph
        assert graph is not None
        inputs = []
        for info in graph.inputs:
            if info.name in graph.tensors:  # before IR version 4 weights are inputs as well
                continue
            value = self.declared_input(info)
            inputs.append(value)
            self.inputs.append((info.name, value.shape, value.dtype))
        scope = Scope(graph, opsets=self.document.opsets)
        self.outputs = [value.shape for value in self.graph(scope, inputs)]

    def declared_input(self, info: ValueInfo) -> Value:
        """Return an input as it is declared, open sizes filled in."""
        if info.kind != "tensor" or info.dims is None:
            if info.kind in ("sequence", "map"):
                self.note(f"input {shown(info.name)} is a {info.kind}; taken to hold one entry")
                shape = self.dimensions.shape(info) if info.dims is not None else ()
                item = Value(shape, info.dtype)
                return Value(shape, info.dtype, items=[item])
            if info.dims is None and info.kind == "tensor" and not info.dtype:
                raise OnnxError(f"input {shown(info.name)} has no type; export the model with the shapes of its inputs")
        return Value(self.dimensions.shape(info), info.dtype)

    def graph(self, scope: Scope, inputs: Sequence[Value | None]) -> list[Value]:
        """Walk a graph on values for its inputs and return its outputs."""
        self._enter()
        graph = scope.graph
        names = [info.name for info in graph.inputs if info.name not in graph.tensors]
        for name, tensor in graph.tensors.items():
            value = scope.values[name] = self.store.value(tensor)
            self.weights += value.weights
        for name, given in zip(names, inputs, strict=False):
            if given is not None:
                scope.values[name] = given
        for node in graph.nodes:
            for name in node.inputs:
                scope.uses[name] = scope.uses.get(name, 0) + 1
        for info in graph.outputs:
            scope.uses[info.name] = scope.uses.get(info.name, 0) + 1
        for number, node in enumerate(graph.nodes):
            self.node(scope, node, number)
        self._depth -= 1
        outputs = []
        for info in graph.outputs:
            found = scope.find(info.name)
            if found is None:
                raise OnnxError(f"output {shown(info.name)} of graph {shown(graph.name)} comes from no node")
            outputs.append(found)
        return outputs

    def node(self, scope: Scope, node: Node, number: int) -> None:
        """Walk one node and put its outputs in the scope."""
        self._step()
        title = scope.prefix + (node.name or (node.outputs[0] if node.outputs else "") or f"{node.op_type}_{number}")
        inputs: list[Value | None] = []
        for name in node.inputs:
            found = scope.find(name) if name else None
            if name and found is None:
                raise OnnxError(
                    f"node {shown(title)} ({node.op_type[:60]}): input {shown(name)} comes from nowhere; nodes must "
                    "stand in the order of their work"
                )
            if found is not None:
                found.uses = scope.uses.get(name, 1)
            inputs.append(found)
        placed = Placed(title[:200], node.op_type[:60])
        function = self.document.functions.get((node.domain, node.op_type, node.overload))
        opset = scope.opsets.get(node.domain, 0)
        call = Call(node, inputs, self, placed, opset, scope, node.attributes)
        outputs = self._function(call, function) if function is not None else self._standard(call)
        if placed.operators:
            self.placed.append(placed)
        for name, output in zip(node.outputs, outputs, strict=False):
            if name:
                scope.values[name] = output

    def _standard(self, call: Call) -> list[Value]:
        node = call.node
        function = node_function(node.domain, node.op_type)
        if function is None:
            return self._unknown(call)
        try:
            outputs = function(call)
        except (LookupError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise call.fail(f"its inputs or attributes are not what the operator takes ({str(error)[:80]!r})") from None
        if len(outputs) == 1 and outputs[0].constant and outputs[0].data is None and outputs[0].items is None and \
                outputs[0].elements <= MOST_KNOWN:  # fmt: skip
            try:
                outputs[0].data = evaluate(call, outputs[0].shape)
            except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as error:
                raise call.fail(f"its inputs do not fit together ({str(error)[:80]})") from None
        return outputs

    def _unknown(self, call: Call) -> list[Value]:
        """An operator of another domain, or one newer than this reader: no figures, shapes as declared."""
        node = call.node
        full = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        why = f"{full[:80]} is not a standard ONNX operator"
        call.emit(Operator(name="unknown", unknown=why))
        weights = call.claim(*range(len(call.inputs)))
        weights = [weight for weight in weights if is_parameter(weight)]
        if weights:
            call.placed.stored("weights", weights)
        counted = "its parameters are counted, its FLOPs are not"
        self.note(f"node {shown(call.placed.name)}: {why}; {counted}")
        outputs = []
        first = call.present[0] if call.present else Value(())
        for index, _ in enumerate(node.outputs):
            shape = self.declared(call, index)
            outputs.append(Value(first.shape if shape is None else shape, first.dtype))
        return outputs

    def declared(self, call: Call, index: int = 0) -> Shape | None:
        """Shape that the file states for an output, where all its sizes are known."""
        names = call.node.outputs
        graph = call.scope.graph
        if index >= len(names):
            return None
        info = graph.values.get(names[index])
        if info is None:
            info = next((one for one in graph.outputs if one.name == names[index]), None)
        if info is None or info.dims is None:
            return None
        sizes = [size if isinstance(size, int) else self._named(size) for size in info.dims]
        return None if any(size is None for size in sizes) else tuple(size for size in sizes if size is not None)

    def _named(self, name: str | None) -> int | None:
        dims = self.dimensions
        return None if name is None else dims.given.get(name, dims.chosen.get(name))

    def _function(self, call: Call, function: Function) -> list[Value]:
        """Walk the graph that the file gives for an operator of its own."""
        graph = Graph(function.name, [], {}, [ValueInfo(name) for name in function.inputs],
                      [ValueInfo(name) for name in function.outputs])  # fmt: skip
        attributes = {**function.defaults, **call.node.attributes}
        for node in function.nodes:
            if node.references:
                found = {own: attributes[there] for own, there in node.references.items() if there in attributes}
                node = replace(node, attributes={**node.attributes, **found})
            graph.nodes.append(node)
        opsets = function.opsets or self.document.opsets
        return self.graph(Scope(graph, opsets=opsets, prefix=f"{call.placed.name}/"[:200]), call.inputs)

    def subgraph(self, call: Call, graph: Graph, inputs: Sequence[Value]) -> tuple[list[Value], list[Placed]]:
        """Walk a subgraph of a node and return its outputs and what it collected, which is not kept yet."""
        before, self.placed = self.placed, []
        scope = Scope(graph, call.scope, opsets=call.scope.opsets, prefix=f"{call.placed.name}/"[:200])
        outputs = self.graph(scope, inputs)
        collected, self.placed = self.placed, before
        return outputs, collected

    def joined(self, placed: Placed, values: Iterable[Value]) -> tuple[Weight, ...]:
        """Stored tensors that a constant is made of: single made-up numbers and shapes left out."""
        found: dict[int, Weight] = {}
        for value in values:
            if value.dtype in _NO_WEIGHTS:
                continue
            for weight in value.weights:
                if weight.elements > 1 or is_parameter(weight):
                    found[id(weight)] = weight
        if len(found) > MOST_JOINED:
            placed.stored("weights", [weight for weight in found.values() if not weight.claimed])
            return ()
        return tuple(found.values())

    def literal(self, tensor: Any) -> Value:
        """A tensor that stands in a node rather than by name in the graph."""
        value = self.store.value(tensor, literal=True)
        self.weights += value.weights
        return value

    def _step(self) -> None:
        self._steps += 1
        self.store.wire.spend()
        if self._steps > MOST_STEPS:
            raise OnnxError(f"its functions and subgraphs come to more than {MOST_STEPS} nodes")

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise OnnxError(f"functions and subgraphs are nested more than {MOST_DEPTH} deep")
