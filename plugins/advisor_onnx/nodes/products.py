"""Matrix products: ``Gemm``, ``MatMul``, ``Einsum``, and their integer forms."""

from __future__ import annotations

import math

from advisor_graph.operators import Product
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import FLOAT, INT32
from advisor_onnx.nodes import node
from advisor_onnx.values import Shape, Value, broadcast

from advisor.operators import MatMul  # isort: skip


@node("Gemm")
def gemm(call: Call) -> list[Value]:
    """``A B + C``, either transposed."""
    left, right = call.value(0), call.value(1)
    if left.rank != 2 or right.rank != 2:
        raise call.fail(f"multiplies shapes {left.shape} and {right.shape}; expected matrices")
    rows, inner = left.shape[::-1] if call.integer("transA", 0) else left.shape
    other, columns = right.shape[::-1] if call.integer("transB", 0) else right.shape
    if inner != other:
        raise call.fail(f"multiplies shapes {left.shape} and {right.shape}, which do not fit together")
    output = call.result((rows, columns))
    matrix_product(call, 0, 1, 1, rows, inner, columns, (2,))
    _mark(call, output)
    return [output]


def matrix_shapes(call: Call, left: Shape, right: Shape) -> tuple[Shape, int, int, int]:
    """Return the batch shape, rows, inner size and columns of a product by the rules of ``numpy.matmul``."""
    first = left if len(left) > 1 else (1, *left)
    second = right if len(right) > 1 else (*right, 1)
    if not left or not right or first[-1] != second[-2]:
        raise call.fail(f"multiplies shapes {shown(left)} and {shown(right)}, which do not fit together")
    return broadcast(first[:-2], second[:-2]), first[-2], first[-1], second[-1]


def matrix_result(left: Shape, right: Shape, batch: Shape, rows: int, columns: int) -> Shape:
    """Shape of a product: the axis that a vector lacked is left out again."""
    return (*batch, *((rows,) if len(left) > 1 else ()), *((columns,) if len(right) > 1 else ()))


def multiply(call: Call, left: int, right: int, dtype: int | None = None, biases: tuple[int, ...] = ()) -> Value:
    """Multiply two inputs and return the product."""
    a, b = call.value(left), call.value(right)
    batch, rows, inner, columns = matrix_shapes(call, a.shape, b.shape)
    output = call.result(matrix_result(a.shape, b.shape, batch, rows, columns), dtype)
    times = math.prod(batch)
    if b.constant and not a.constant:
        stacked = math.prod(b.shape[:-2])
        matrix_product(call, left, right, max(stacked, 1), times * rows // max(stacked, 1), inner, columns, biases)
    elif a.constant and not b.constant:
        stacked = math.prod(a.shape[:-2])
        matrix_product(call, right, left, max(stacked, 1), times * columns // max(stacked, 1), inner, rows, biases)
    else:
        matrix_product(call, left, right, times, rows, inner, columns, biases)
    _mark(call, output)
    return output


def matrix_product(call: Call, data: int, kernel: int, copies: int, rows: int, inner: int, columns: int,
                   biases: tuple[int, ...] = ()) -> None:  # fmt: skip
    """Add the operator of ``copies`` products of ``rows x inner`` by ``inner x columns``."""
    if call.constant:
        return
    moving = [call.value(index) for index in (data, kernel) if not call.value(index).constant]
    saved = sum(value.keep() for value in moving)
    if not call.value(kernel).constant and call.value(data).constant:
        data, kernel, rows, columns = kernel, data, columns, rows
    if call.value(kernel).constant:
        op = MatMul(name="kernel", inputs=inner, outputs=columns, positions=rows, copies=copies, split="columns")
        call.product(op, kernel, *biases)
    else:
        call.emit(Product(name="product", inputs=inner, outputs=columns, positions=rows, copies=copies))
        if biases and (weights := call.claim(*biases)):
            call.placed.stored("bias", weights)
    call.placed.saving(saved)


def _mark(call: Call, output: Value) -> None:
    """Remember where the value comes from, so that a bias added next is the product's."""
    if not call.constant:
        output.product = call.placed


@node("MatMul")
def matmul(call: Call) -> list[Value]:
    """The product of two stacks of matrices."""
    return [multiply(call, 0, 1)]


@node("MatMulInteger")
def matmul_integer(call: Call) -> list[Value]:
    """8-bit factors, 32-bit sums."""
    return [multiply(call, 0, 1, INT32)]


@node("QLinearMatMul")
def quantized_matmul(call: Call) -> list[Value]:
    """8-bit factors and result: a, scale, zero point, b, scale, zero point, scale, zero point."""
    call.walk.scale_values += sum(value.elements for index, value in enumerate(call.inputs)
                                  if value is not None and index not in (0, 3))  # fmt: skip
    return [multiply(call, 0, 3, call.value(7).dtype)]


@node("Einsum")
def einsum(call: Call) -> list[Value]:
    """A sum of products named by letters; of more than two factors, one after the other."""
    equation = call.text("equation").replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    values = call.present
    if len(terms) != len(values) or len(equation) > 500:
        raise call.fail(f"equation {shown(equation)} has {len(terms)} factors for {len(values)} inputs")
    sizes: dict[str, int] = {}
    spelled = []
    dots = 0
    for term, value in zip(terms, values, strict=True):
        if "..." in term:
            dots = max(dots, value.rank - len(term.replace("...", "")))
        named = _spelled(term, value.rank)
        if named is None or len(named) != value.rank:
            raise call.fail(f"equation {shown(equation)} does not fit shape {shown(value.shape)}")
        spelled.append(named)
        for letter, size in zip(named, value.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                if 1 not in (size, sizes[letter]):
                    raise call.fail(f"equation {shown(equation)}: {shown(letter)} is {sizes[letter]} and {size}")
                sizes[letter] = max(size, sizes[letter])
    letters = [letter for term in spelled for letter in term]
    if arrow:
        result = _spelled(right, len(right.replace("...", "")) + dots) or []
    else:
        result = [f".{axis}" for axis in range(-dots, 0)]
        result += sorted(letter for letter in set(letters) if letters.count(letter) == 1 and letter[0] != ".")
    if any(letter not in sizes for letter in result):
        raise call.fail(f"equation {shown(equation)} has a result that no input names")
    output = call.result([sizes[letter] for letter in result])
    if not call.constant:
        _contract(call, spelled, result, sizes, output)
    return [output]


def _spelled(term: str, rank: int) -> list[str] | None:
    """Letters of a term, one an axis; the axes that an ellipsis stands for count from its end."""
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    if hidden < 0 or (hidden and not dots) or (not (before + after).isalpha() and before + after):
        return None
    return [*before, *(f".{axis - hidden}" for axis in range(hidden)), *after]


def _contract(call: Call, terms: list[list[str]], result: list[str], sizes: dict[str, int], output: Value) -> None:
    """Add a product for each pair of factors, or a plain move where nothing is summed over a product."""
    indices = [index for index, value in enumerate(call.inputs) if value is not None]
    first, held = set(terms[0]), indices[0]
    moved = False
    for position in range(1, len(terms)):
        second = set(terms[position])
        later = set(result).union(*terms[position + 1 :])
        summed = {letter for letter in first & second if letter not in later}
        shared = (first & second) - summed
        alone = [{letter for letter in side - other if letter in later}
                 for side, other in ((first, second), (second, first))]  # fmt: skip
        if summed:
            copies, inner, rows, columns = (math.prod(sizes[letter] for letter in part)
                                            for part in (shared, summed, *alone))  # fmt: skip
            if position == 1:
                matrix_product(call, held, indices[position], copies, rows, inner, columns)
            elif call.value(indices[position]).constant:
                op = MatMul(name=f"kernel_{position}", inputs=inner, outputs=columns, positions=rows, copies=copies)
                call.product(op, indices[position])
            else:
                call.emit(
                    Product(name=f"product_{position}", inputs=inner, outputs=columns, positions=rows, copies=copies)
                )
        else:
            moved = True
        first = (first | second) & later
    if moved or len(terms) == 1:
        call.move([output], keeps_inputs=True)


__all__ = ["FLOAT", "matrix_product", "matrix_result", "matrix_shapes", "multiply"]
