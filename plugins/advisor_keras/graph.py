"""Runs the two kinds of Keras model, Sequential and Functional, over the shapes of one sample."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor_keras.config import ConfigError, shown
from advisor_keras.inputs import declared_shape, fill, raw_shape
from advisor_keras.nodes import Node, Reference, output_references, read_nodes, references_in
from advisor_keras.serialized import NETWORKS, describe, is_network
from advisor_keras.tensors import Call, Tensor
from advisor_keras.walk import Walk

MOST_LAYERS = 20_000


def run_network(walk: Walk, document: Any, path: str, inputs: list[Tensor] | None) -> list[Tensor]:
    """Run a model on ``inputs``, or on the inputs that it declares (None), and return its outputs."""
    kind, values, name = describe(document)
    if kind not in NETWORKS and not is_network(document):
        raise ConfigError(
            f"{shown(kind)} is a subclassed model: the file names the class, but not its layers; expected a "
            "Sequential or Functional model"
        )
    layers = values.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ConfigError(f"model {shown(name)}: layers is {shown(layers)}; expected a list of layers")
    if len(layers) > MOST_LAYERS:
        raise ConfigError(f"model {shown(name)}: {len(layers)} layers; at most {MOST_LAYERS} are read")
    if "input_layers" in values and "output_layers" in values:
        return _run_functional(walk, values, name, path, inputs)
    return _run_sequential(walk, values, layers, name, path, inputs)


def _run_sequential(
    walk: Walk, values: Mapping[str, Any], layers: list[Any], name: str, path: str, inputs: list[Tensor] | None
) -> list[Tensor]:
    if inputs is None:
        inputs = [_declared_input(walk, values, layers, name)]
        walk.inputs = [tensor.shape for tensor in inputs]
    tensors = inputs
    for position, layer in enumerate(layers):
        following = layers[position + 1] if position + 1 < len(layers) else None
        plain = following is not None and describe(following)[0] not in NETWORKS
        recorded = declared_shape(following) if plain else None
        tensors = walk.apply(layer, path, Call((tensors[0] if len(tensors) == 1 else tensors,), recorded=recorded))
    return tensors


def _declared_input(walk: Walk, values: Mapping[str, Any], layers: list[Any], name: str) -> Tensor:
    shape = declared_shape(layers[0])
    if shape is None and values.get("build_input_shape") is not None:
        shape = raw_shape(values["build_input_shape"], name)
    if shape is None and is_network(layers[0]):
        inner = describe(layers[0])[1]
        nested = inner.get("layers")
        if isinstance(nested, list) and nested:
            shape = declared_shape(nested[0])
    if shape is None:
        raise ConfigError(
            f"model {shown(name)}: the file does not hold its input shape; build the model (give it an Input, or call "
            "it once) before saving"
        )
    return Tensor(fill(shape, name, walk))


@dataclass(frozen=True)
class _Graph:
    """A Functional model's layers, uses of layers in dependency order, inputs and outputs."""

    name: str
    documents: Mapping[str, Any]
    nodes: Sequence[Node]
    inputs: Sequence[Reference]
    outputs: Sequence[Reference]

    def document(self, reference: Reference) -> Any:
        if reference.layer not in self.documents:
            raise ConfigError(f"model {shown(self.name)}: no layer is named {shown(reference.layer)}")
        return self.documents[reference.layer]


def _parse(values: Mapping[str, Any], name: str) -> _Graph:
    documents: dict[str, Any] = {}
    for document in values["layers"]:
        layer = describe(document)[2]
        if layer in documents:
            raise ConfigError(f"model {shown(name)}: two layers are named {shown(layer)}")
        documents[layer] = document
    inputs = output_references(values["input_layers"], "input_layers")
    outputs = output_references(values["output_layers"], "output_layers")
    return _Graph(name, documents, _ordered(read_nodes(documents, values), inputs), inputs, outputs)


def _ordered(nodes: Mapping[tuple[str, int], Node], inputs: Sequence[Reference]) -> list[Node]:
    """Return the nodes so that each follows those it needs; a cycle or a dangling name is an error."""
    given = {(reference.layer, 0) for reference in inputs}
    waiting = {key: 0 for key in nodes if key not in given}
    needed_by: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for key in waiting:
        for reference in references_in(nodes[key]):
            origin = (reference.layer, reference.node)
            if origin not in waiting and origin not in given:
                raise ConfigError(f"layer {shown(key[0])}: input {shown(reference.layer)} is not in the model")
            if origin not in given:
                waiting[key] += 1
                needed_by.setdefault(origin, []).append(key)
    position = {key: place for place, key in enumerate(waiting)}
    ready = [(position[key], key) for key, count in waiting.items() if count == 0]  # a heap, in the file's order
    answer: list[Node] = []
    while ready:
        _, key = heapq.heappop(ready)
        answer.append(nodes[key])
        for other in needed_by.get(key, ()):
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, (position[other], other))
    if len(answer) < len(waiting):
        stuck = next(key[0] for key, count in waiting.items() if count > 0)
        raise ConfigError(f"layer {shown(stuck)}: its inputs depend on its own output (a cycle of inbound_nodes)")
    return answer


def _run_functional(
    walk: Walk, values: Mapping[str, Any], name: str, path: str, inputs: list[Tensor] | None
) -> list[Tensor]:
    """Run every use of a layer that the file lists and return the model's outputs."""
    if id(values) not in walk.parsed:
        walk.parsed[id(values)] = _parse(values, name)
    graph: _Graph = walk.parsed[id(values)]
    if inputs is None:
        inputs = [_declared(walk, graph, reference) for reference in graph.inputs]
        walk.inputs = [tensor.shape for tensor in inputs]
    if len(inputs) < len(graph.inputs):
        raise ConfigError(f"model {shown(name)}: {len(inputs)} inputs given, {len(graph.inputs)} expected")
    done: dict[tuple[str, int], list[Tensor]] = {}
    for reference, tensor in zip(graph.inputs, inputs, strict=False):
        done[reference.layer, 0] = [tensor]
        walk.apply(graph.document(reference), path, Call((tensor,)))
    for node in graph.nodes:
        call = Call(_filled(node.arguments, done), _filled(node.keywords, done), node.recorded)
        done[node.layer, node.index] = walk.apply(graph.documents[node.layer], path, call)
    return [_tensor(reference, done) for reference in graph.outputs]


def _declared(walk: Walk, graph: _Graph, reference: Reference) -> Tensor:
    shape = declared_shape(graph.document(reference))
    if shape is None:
        raise ConfigError(f"input layer {shown(reference.layer)}: batch_shape is missing")
    return Tensor(fill(shape, reference.layer, walk))


def _tensor(reference: Reference, done: Mapping[tuple[str, int], list[Tensor]]) -> Tensor:
    outputs = done.get((reference.layer, reference.node))
    if outputs is None:
        raise ConfigError(f"output {shown(reference.layer)} is not in the model")
    if not 0 <= reference.tensor < len(outputs):
        raise ConfigError(f"layer {shown(reference.layer)} has no output number {shown(reference.tensor)}")
    return outputs[reference.tensor]


def _filled(value: Any, done: Mapping[tuple[str, int], list[Tensor]]) -> Any:
    """Return arguments with tensors in place of references."""
    if isinstance(value, Reference):
        return _tensor(value, done)
    if isinstance(value, tuple):
        return tuple(_filled(entry, done) for entry in value)
    if isinstance(value, Mapping):
        return {key: _filled(entry, done) for key, entry in value.items()}
    return value
