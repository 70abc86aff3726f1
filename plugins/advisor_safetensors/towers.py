"""Weights of parts whose names are not followed (towers): matrices in one format, vectors in another."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.models import Layer
from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor.records import replace
from advisor_safetensors.matching import most_common
from advisor_tensors import Tensor


def by_rank(layers: Sequence[Layer], tensors: Sequence[Tensor]) -> list[Layer]:
    """Products and tables in the format of most matrices, biases and the rest in that of most vectors.

    Element-wise operators whose values are matrices too (learned positions) are found by what is missing.
    """
    matrices = [tensor for tensor in tensors if sum(extent > 1 for extent in tensor.shape) > 1]
    product = most_common(matrices) or most_common(tensors)
    other = most_common([tensor for tensor in tensors if tensor not in set(matrices)]) or product
    if not product:
        return list(layers)
    built = [replace(layer, operators=tuple(part for op in layer.operators for part in _parts(op, product, other)))
             for layer in layers]  # fmt: skip
    given = sum(layer.count * op.copies * op.parameters for layer in built for op in layer.operators
                if op.native_format == product)  # fmt: skip
    missing = sum(tensor.values for tensor in matrices) - given
    if product == other or missing <= 0:
        return built
    return _with_missing(built, missing, product)


def _with_missing(layers: list[Layer], missing: int, product: str) -> list[Layer]:
    """Give ``missing`` values of element-wise operators, of the largest first, the format of matrices."""
    answer = [list(layer.operators) for layer in layers]
    places = [(layer.count * op.copies * op.parameters, row, column) for row, layer in enumerate(layers)
              for column, op in enumerate(layer.operators)
              if isinstance(op, Elementwise) and op.parameters and not op.name.endswith(".bias")]  # fmt: skip
    for size, row, column in sorted(places, reverse=True):
        op = answer[row][column]
        times = layers[row].count * op.copies
        if not isinstance(op, Elementwise) or missing < times:
            continue
        taken = min(size, missing) // times
        answer[row][column] = replace(op, parameters_own=taken, native_format=product)
        if taken < op.parameters_own:
            rest = replace(op, name=f"{op.name}.own", elements=0, parameters_own=op.parameters_own - taken,
                           saved_elements=0)  # fmt: skip
            answer[row].append(rest)
        missing -= taken * times
    return [replace(layer, operators=tuple(operators)) for layer, operators in zip(layers, answer, strict=True)]


def _parts(op: Operator, product: str, other: str) -> list[Operator]:
    if not op.parameters:
        return [op]
    if isinstance(op, MatMul) and not hasattr(op, "experts") and product != other:
        own = (op.outputs if op.bias else 0) + op.extra_parameters
        whole = replace(op, bias=False, extra_parameters=0, native_format=product)
        bias = Elementwise(name=f"{op.name}.bias", elements=0, parameters_own=own, copies=op.copies,
                           native_format=other)  # fmt: skip
        return [whole, bias] if own else [whole]
    return [replace(op, native_format=product if isinstance(op, (MatMul, Embedding)) else other)]
