"""Reads ``inbound_nodes``: which tensors each use of a layer is given, in Keras 2's and Keras 3's forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor.records import replace
from advisor_keras.config import ConfigError, is_integer, shown
from advisor_keras.inputs import raw_shape
from advisor_keras.serialized import NETWORKS

MOST_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Reference:
    """An output of one use of a layer."""

    layer: str
    node: int
    tensor: int
    shape: tuple[int | None, ...] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One use of a layer: its arguments, with ``Reference`` leaves, and the output shape that others recorded."""

    layer: str
    index: int
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    recorded: tuple[int | None, ...] | None = None


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple)) and len(value) in (3, 4) and isinstance(value[0], str)
        and all(is_integer(entry) for entry in value[1:3]) and 0 <= value[1] < 2**31
    )  # fmt: skip


def _arguments(value: Any, legacy: bool, depth: int = 0) -> Any:
    """Return arguments with tensors as ``Reference`` and lists as tuples."""
    if depth > 20:
        raise ConfigError("arguments of a layer are nested more than 20 deep")
    if legacy and _is_reference(value):
        return Reference(value[0], int(value[1]), int(value[2]))
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            inner = value.get("config")
            history = inner.get("keras_history") if isinstance(inner, Mapping) else None
            if history is None or not _is_reference(history):
                raise ConfigError(f"keras_history is {shown(history)}; expected [layer, node, tensor]")
            shape = inner.get("shape") if isinstance(inner, Mapping) else None
            recorded = raw_shape(shape, history[0]) if isinstance(shape, (list, tuple)) and shape else None
            return Reference(history[0], int(history[1]), int(history[2]), recorded)
        return {str(key): _arguments(entry, legacy, depth + 1) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_arguments(entry, legacy, depth + 1) for entry in value)
    return value


def _legacy_call(node: Any, layer: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read a Keras 2 node: ``[[layer, node, tensor, keywords], ...]``, or one such entry alone."""
    entries = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
    if isinstance(entries, Mapping):
        entries = list(entries.values())
    if not isinstance(entries, list):
        raise ConfigError(f"layer {shown(layer)}: inbound node is {shown(node)}; expected a list of tensors")
    tensors: list[Any] = []
    keywords: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, list) and entry and entry[0] == "_CONSTANT_VALUE" and len(entry) >= 3:
            tensors.append(entry[2])
        elif _is_reference(entry):
            tensors.append(Reference(entry[0], int(entry[1]), int(entry[2])))
        else:
            raise ConfigError(f"layer {shown(layer)}: inbound tensor is {shown(entry)}; expected [layer, node, tensor]")
        if len(entry) == 4 and isinstance(entry[3], Mapping):
            keywords.update({str(key): _arguments(value, legacy=True) for key, value in entry[3].items()})
    return (tensors[0] if len(tensors) == 1 else tuple(tensors),), keywords


def _call(node: Any, layer: str) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    if isinstance(node, Mapping) and "args" in node:
        arguments, keywords = node.get("args"), node.get("kwargs") or {}
        if not isinstance(arguments, list) or not isinstance(keywords, Mapping):
            raise ConfigError(f"layer {shown(layer)}: inbound node has args {shown(arguments)}; expected a list")
        named = {str(key): _arguments(value, legacy=False) for key, value in keywords.items()}
        return tuple(_arguments(value, legacy=False) for value in arguments), named
    return _legacy_call(node, layer)


def _walk_references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _walk_references(entry)
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _walk_references(entry)


def references_in(node: Node) -> Iterator[Reference]:
    """Yield the tensors that a node is given."""
    yield from _walk_references(node.arguments)
    yield from _walk_references(node.keywords)


def output_references(value: Any, field_name: str) -> list[Reference]:
    """Read ``input_layers`` or ``output_layers``: one reference, a list, or a nested structure of them."""
    found = list(_walk_references(_arguments(value, legacy=True)))
    if not found:
        raise ConfigError(f"field {field_name!r} is {shown(value)}; expected [[layer, node, tensor], ...]")
    return found


def read_nodes(documents: Mapping[str, Any], values: Mapping[str, Any]) -> dict[tuple[str, int], Node]:
    """Return every use of every layer by (layer name, node index), as references count them."""
    nodes: dict[str, list[Node]] = {}
    total = 0
    for name, document in documents.items():
        inbound = document.get("inbound_nodes", [])
        if not isinstance(inbound, list):
            raise ConfigError(f"layer {shown(name)}: inbound_nodes is {shown(inbound)}; expected a list")
        total += len(inbound)
        if total > MOST_NODES:
            raise ConfigError(f"more than {MOST_NODES} inbound nodes")
        nodes[name] = [Node(name, index, *_call(node, name)) for index, node in enumerate(inbound)]
    references = [ref for uses in nodes.values() for node in uses for ref in references_in(node)]
    references += output_references(values["output_layers"], "output_layers")
    highest: dict[str, int] = {}
    recorded: dict[tuple[str, int], tuple[int | None, ...]] = {}
    for reference in references:
        highest[reference.layer] = max(highest.get(reference.layer, 0), reference.node)
        if reference.shape is not None and reference.tensor == 0:
            recorded[reference.layer, reference.node] = reference.shape
    answer: dict[tuple[str, int], Node] = {}
    for name, uses in nodes.items():
        # Keras 2 counts a nested model's own graph as its node 0, so its uses start at 1.
        nested = documents[name].get("class_name") in NETWORKS
        shift = 1 if nested and uses and highest.get(name, 0) >= len(uses) else 0
        for node in uses:
            key = (name, node.index + shift)
            answer[key] = replace(node, index=key[1], recorded=recorded.get(key))
    return answer
