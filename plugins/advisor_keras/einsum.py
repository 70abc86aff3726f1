"""Shapes of ``EinsumDense``."""

from __future__ import annotations

import math
import re

from advisor.operators import MatMul
from advisor_keras.config import Config, Shape

#: Letters of input, kernel and output; ``...`` stands for axes that are not named.
_TERM = r"(?:[A-Za-z]+|\.\.\.[A-Za-z]+|[A-Za-z]+\.\.\.)"
_EQUATION = re.compile(rf"{_TERM},[A-Za-z]+->{_TERM}")


def einsum_dense(config: Config, shape: Shape) -> tuple[Shape, MatMul]:
    """Return the output shape and the product of an ``EinsumDense`` layer on one sample of ``shape``.

    The kernel's letters are known from the input or, from the output shape in the configuration. The
    FLOPs are 2 x the product of the sizes of all letters but the batch's.
    """
    equation = config.values.get("equation")
    usable = isinstance(equation, str) and len(equation) <= 200
    if not isinstance(equation, str) or not usable or not _EQUATION.fullmatch(equation.replace(" ", "")):
        raise config.fail(f"field 'equation' is {equation!r:.60}; expected one such as 'abc,cd->abd'")
    left, output = equation.replace(" ", "").split("->", 1)
    data, kernel = left.split(",", 1)
    given = config.values.get("output_shape", config.values.get("partial_output_shape"))
    stated = list(given) if isinstance(given, (list, tuple)) else [given]
    sizes: dict[str, int] = {}
    if data.startswith("..."):  # the batch and all axes that are not named
        named = data[3:]
        if len(named) > len(shape):
            raise config.fail(f"equation {equation!r} does not fit an input of {len(shape) + 1} axes")
        hidden = shape[: len(shape) - len(named)]
        sizes.update(zip(named, shape[len(hidden) :], strict=True))
        letters, batch = output[3:], ""
    elif data.endswith("..."):
        named = data[1:-3]
        if len(named) > len(shape):
            raise config.fail(f"equation {equation!r} does not fit an input of {len(shape) + 1} axes")
        hidden = shape[len(named) :]
        sizes.update(zip(named, shape, strict=False))
        letters, batch = output[1:-3], data[0]
    else:
        if len(data) != len(shape) + 1:
            raise config.fail(f"equation {equation!r} does not fit an input of {len(shape) + 1} axes")
        hidden = ()
        sizes.update(zip(data[1:], shape, strict=True))
        letters, batch = output[1:], data[0]
    # The configuration states the output without batch; the last axes where it states fewer.
    for letter, size in zip(reversed(letters), reversed(stated), strict=False):
        if isinstance(size, int) and not isinstance(size, bool) and 0 < size <= 2**40:
            sizes.setdefault(letter, size)
    missing = [letter for letter in kernel + letters if letter not in sizes and letter != batch]
    if missing:
        raise config.fail(f"equation {equation!r}: size of {missing[0]!r} is neither in the input nor in output_shape")
    kernel_size = math.prod(sizes[letter] for letter in kernel)
    every = math.prod(sizes[letter] for letter in {*data.strip("."), *kernel, *letters} - {batch})
    result = tuple(sizes[letter] for letter in letters)
    result = (*result, *hidden) if data.endswith("...") else (*hidden, *result)
    bias_axes = config.values.get("bias_axes")
    bias = math.prod(sizes.get(letter, 1) for letter in bias_axes) if isinstance(bias_axes, str) else 0
    shared = math.prod(sizes[letter] for letter in kernel if letter in letters and letter in data)
    inputs = math.prod(sizes[letter] for letter in kernel if letter not in letters)
    columns = kernel_size // inputs
    rank = config.integer("lora_rank", 0, least=0)
    lora = rank * (kernel_size // sizes[kernel[-1]] + sizes[kernel[-1]]) if rank else 0
    product = MatMul(
        name="kernel", inputs=inputs * shared, outputs=columns, groups=shared,
        positions=every // kernel_size * math.prod(hidden), extra_parameters=bias + lora, split="columns",
    )  # fmt: skip
    return result, product
