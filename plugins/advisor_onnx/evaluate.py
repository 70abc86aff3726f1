"""Computes small constants: the shapes and indices that exporters leave in a graph as arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from advisor_onnx.call import Call

Function = Callable[..., Any]


def _divide(a: Any, b: Any) -> Any:
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        return a / b
    quotient = np.abs(a) // np.where(b == 0, 1, np.abs(b))  # towards zero, as C does
    return np.where((a < 0) != (b < 0), -quotient, quotient)


def _power(a: Any, b: Any) -> Any:
    return np.power(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)


#: Operators whose values follow from those of their inputs, element by element or by numpy's own function.
_PLAIN: dict[str, Function] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divide, "Pow": _power, "Neg": np.negative,
    "Abs": np.abs, "Floor": np.floor, "Ceil": np.ceil, "Round": np.round, "Sqrt": np.sqrt, "Sign": np.sign,
    "Exp": np.exp, "Log": np.log, "Equal": np.equal, "Greater": np.greater, "Less": np.less,
    "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "And": np.logical_and, "Or": np.logical_or,
    "Xor": np.logical_xor, "Not": np.logical_not, "Where": np.where, "Identity": lambda a: a,
    "Reciprocal": lambda a: 1.0 / a,
}  # fmt: skip
_MANY: dict[str, Function] = {"Max": np.maximum, "Min": np.minimum, "Sum": np.add}
_REDUCTIONS: dict[str, Function] = {
    "ReduceProd": np.prod, "ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceMean": np.mean,
}  # fmt: skip


def evaluate(call: Call, shape: tuple[int, ...]) -> Any:
    """Return the values of the node's first output, of that shape, or None where they are not known."""
    kind = call.node.op_type
    arrays = [None if value is None else value.data for value in call.inputs]
    if not arrays or arrays[0] is None:
        return None
    with np.errstate(all="ignore"):
        answer = _evaluate(call, kind, arrays, shape)
    if answer is None:
        return None
    array = np.asarray(answer)
    return array if tuple(array.shape) == shape and array.dtype.kind in "bif" else None


def _evaluate(call: Call, kind: str, arrays: list[Any], shape: tuple[int, ...]) -> Any:
    first = arrays[0]
    every = all(array is not None for array in arrays)
    if kind in _PLAIN and every:
        return _PLAIN[kind](*arrays)
    if kind in _MANY and every:
        answer = first
        for array in arrays[1:]:
            answer = _MANY[kind](answer, array)
        return answer
    if kind in _REDUCTIONS:
        axes = call.integers("axes", 1) if len(arrays) > 1 or "axes" in call.node.attributes else None
        keep = bool(call.integer("keepdims", 1))
        return _REDUCTIONS[kind](first, axis=None if not axes else tuple(axes), keepdims=keep)
    if kind in ("Reshape", "Squeeze", "Unsqueeze", "Flatten"):
        return first.reshape(shape)
    if kind == "Cast":
        kinds = call.outputs_kind
        return first.astype(np.float64 if kinds.floating else bool if kinds.name == "bool" else np.int64)
    if kind == "Concat" and every:
        return np.concatenate(arrays, axis=call.integer("axis", 0))
    if kind == "Gather" and every and arrays[1].size and first.ndim:
        axis = call.integer("axis", 0)
        places = np.mod(arrays[1].astype(np.int64), max(first.shape[axis], 1))  # take's own wrapping goes step by step
        return np.take(first, places, axis=axis)
    if kind == "Transpose":
        return np.transpose(first, call.integers("perm") or None)
    if kind == "Expand":
        return np.broadcast_to(first, shape)
    if kind == "Mod" and every:
        return np.fmod(first, arrays[1]) if call.integer("fmod", 0) else np.mod(first, arrays[1])
    if kind == "Clip":
        bounds = [None if len(arrays) <= index or arrays[index] is None else arrays[index] for index in (1, 2)]
        return first if bounds == [None, None] else np.clip(first, *bounds)
    if kind == "Range" and every:
        count = math.prod(shape)
        return first + arrays[2] * np.arange(count)
    if kind == "CumSum" and every and not call.integer("exclusive", 0) and not call.integer("reverse", 0):
        return np.cumsum(first, axis=int(arrays[1].reshape(-1)[0]))
    return None
