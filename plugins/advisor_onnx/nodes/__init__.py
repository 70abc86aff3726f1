"""Functions that read the nodes of ONNX, by domain and operator type: standard, ``ai.onnx.ml``, ``com.microsoft``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor_onnx.call import Call
    from advisor_onnx.values import Value

NodeFunction = Callable[["Call"], "list[Value]"]

NODES: dict[tuple[str, str], NodeFunction] = {}


def node(*op_types: str, domain: str = "") -> Callable[[NodeFunction], NodeFunction]:
    """Register a function under operator types of a domain."""

    def register(function: NodeFunction) -> NodeFunction:
        NODES.update({(domain, op_type): function for op_type in op_types})
        return function

    return register


def node_function(domain: str, op_type: str) -> NodeFunction | None:
    """Return the function of an operator; None for one that is not known."""
    if not NODES:
        from advisor_onnx.nodes import (  # noqa: F401
            attention,
            classical,
            control,
            convolution,
            creation,
            elementwise,
            indexing,
            microsoft,
            normalization,
            pooling,
            products,
            quantization,
            recurrent,
            reduction,
            reshaping,
            sequences,
            signal,
            vision,
        )
    return NODES.get((domain, op_type))
