"""Traces a function of JAX to its jaxpr and walks that: nothing is computed, nothing is compiled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from advisor.errors import InputError
from advisor.models import Model
from advisor_graph.weights import Weight
from advisor_jax.primitives import Walk
from advisor_jax.values import FORMATS, Value
from advisor_torch.convert import to_model


def trace(function: Any, shapes: Sequence[Any], name: str, parameters: int | Sequence[int] | None, unit: str) -> Model:
    """Return the function's model."""
    import jax

    arguments = [_described(shape) for shape in shapes]
    held = {parameters} if isinstance(parameters, int) else None if parameters is None else set(parameters)
    try:
        closed = jax.make_jaxpr(function)(*arguments)
    except Exception as error:  # whatever the function's own code raises
        line = " ".join(str(error).split())[:300]
        raise InputError(f"from_jax: the function fails on these shapes: {type(error).__name__}: {line}") from error
    walk = Walk()
    weights: list[Weight] = []
    inputs: list[Value] = []
    sizes: list[tuple[int, ...]] = []
    for position, argument in enumerate(arguments):
        leaves = jax.tree_util.tree_flatten_with_path(argument)[0]
        nested = not (len(leaves) == 1 and not leaves[0][0])
        stores = position in held if held is not None else nested
        for path, leaf in leaves:
            if stores:
                inputs.append(_stored(f"{position}{jax.tree_util.keystr(path)}", leaf, weights))
            else:
                inputs.append(Value(tuple(leaf.shape), str(leaf.dtype)))
                sizes.append(tuple(leaf.shape))
    consts = [_stored(f"closure_{index}", const, weights) for index, const in enumerate(closed.consts)]
    walk.run(closed.jaxpr, consts, inputs)
    if not any(one.operators for one in walk.placed):
        raise InputError("from_jax: the function does no work on these shapes")
    title = name or getattr(function, "__name__", "") or "function"
    return to_model(walk.placed, weights, title, title, sizes, walk.notes, unit, "jax",
                    trainable_parameters=sum(weight.elements for weight in weights if weight.trainable))  # fmt: skip


def _described(shape: Any) -> Any:
    """Shapes in place of arrays; a tuple of whole numbers is a shape of 32-bit floats."""
    import jax

    def leaf(one: Any) -> Any:
        if _is_sizes(one):
            return jax.ShapeDtypeStruct(one, "float32")
        if hasattr(one, "shape") and hasattr(one, "dtype"):
            return jax.ShapeDtypeStruct(one.shape, one.dtype)
        if isinstance(one, (bool, int, float)):
            return jax.ShapeDtypeStruct((), {bool: "bool", int: "int32"}.get(type(one), "float32"))
        raise InputError(f"from_jax: expected arrays or shapes, not a {type(one).__name__}")

    return jax.tree_util.tree_map(leaf, shape, is_leaf=_is_sizes)


def _is_sizes(one: Any) -> bool:
    return isinstance(one, tuple) and all(isinstance(size, int) and not isinstance(size, bool) for size in one)


def _stored(name: str, leaf: Any, weights: list[Weight]) -> Value:
    """A weight; whole numbers and single numbers that the function closes over are constants."""
    shape, kind = tuple(getattr(leaf, "shape", ())), str(getattr(leaf, "dtype", "float32"))
    fmt, floating = FORMATS.get(kind, ("fp32", True))
    count = math.prod(shape)
    constant = not floating or (name.startswith("closure_") and count <= 1)
    weight = Weight(name, count, fmt, kind, floating, trainable=not constant)
    weights.append(weight)
    return Value(shape, kind, (weight,), constant=True)
