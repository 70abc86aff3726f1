"""Plain operations in a functional graph: ``keras.ops`` (Keras 3) and TensorFlow functions (Keras 2).

Shapes here keep the batch axis, as size 1, because the operations' axes count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from advisor.operators import MatMul
from advisor_keras.config import Config, Shape, is_integer, plain
from advisor_keras.layers.operation_shapes import SHAPES, axis_position, broadcast_shape, option, reduced_shape
from advisor_keras.result import Result, elements, moved, unknown

_UNARY_WORDS = """
abs absolute arccos arccosh arcsin arcsinh arctan arctanh cast ceil clip clip_by_value cos cosh celu elu erf exp
expm1 flip floor gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh identity isfinite isinf isnan
l2_normalize leaky_relu log log10 log1p log2 log_sigmoid log_softmax logical_not nan_to_num neg negative normalize
ones_like reciprocal relu relu6 roll round rsqrt selu sigmoid sign silu sin sinh soft_shrink softmax
softplus softsign sparse_plus sparse_sigmoid sparsemax sqrt square squareplus stop_gradient swish tan tanh
tanh_shrink threshold tril triu trunc zeros_like cumsum cumprod dropout copy sort
"""
_UNARY = frozenset(_UNARY_WORDS.split())
_SAVING_OUTPUT_WORDS = """
relu relu6 sigmoid tanh softmax log_softmax elu selu exp sqrt leaky_relu
"""
_SAVING_OUTPUT = frozenset(_SAVING_OUTPUT_WORDS.split())
_FREE = frozenset(["cast", "identity", "stop_gradient", "copy", "zeros_like", "ones_like"])
_BINARY_WORDS = """
add subtract sub multiply mul divide truediv true_divide div realdiv divide_no_nan floor_divide floordiv mod power
pow maximum minimum greater greater_equal less less_equal equal not_equal logical_and logical_or logical_xor where
arctan2 squared_difference logaddexp add_n biasadd bias_add radd rsub rmul
"""
_BINARY = frozenset(_BINARY_WORDS.split())
_SAVING_INPUTS = frozenset({"multiply", "mul", "divide", "truediv", "power", "pow", "max", "min", "maximum", "minimum"})
_REDUCTIONS_WORDS = """
mean sum max min prod var std variance any all amax amin argmax argmin logsumexp norm median count_nonzero
"""
_REDUCTIONS = frozenset(_REDUCTIONS_WORDS.split())


def operation_name(config: Config) -> str | None:
    """Return the plain name of an operation, or None where the class is a layer."""
    if config.kind in ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "TensorFlowOpLayer"):
        function = config.values.get("function")
        return function.rsplit(".", 1)[-1].strip("_").removeprefix("reduce_") if isinstance(function, str) else ""
    module = config.document.get("module")
    if isinstance(module, str) and module.startswith(("keras.src.ops", "keras.ops")):
        return _snake(config.kind)
    # A legacy .h5 of Keras 3 leaves the module out; layers always say whether they train.
    if not module and config.document.get("inbound_nodes") and "trainable" not in config.values and (
        "dtype" not in config.values or config.kind in ("Cast", "OneHot")
    ):
        return _snake(config.kind) if isinstance(config.document["inbound_nodes"][0], Mapping) else None
    return None


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def operation(name: str, config: Config, inputs: list[Shape]) -> Result:
    """Read one operation; one that is not known keeps the shape that the file recorded for it."""
    if not inputs:
        return unknown(config, inputs, f"operation {plain(name, 40)} has no input tensor in the file")
    full = [(1, *shape) for shape in inputs]
    if name in _UNARY:
        free = name in _FREE
        work = 0 if free else 2 * elements(full[0])
        saved = name in _SAVING_OUTPUT
        return Result(
            outputs=(inputs[0],), operators=() if free else (moved(name, work, 0),), passes_input=free,
            saves_output=saved, saves_input=not saved and not free and name not in ("negative", "neg", "round", "flip"),
        )  # fmt: skip
    if name in ("matmul", "einsum", "dot", "tensordot"):
        return _product(name, config, full)
    if name in ("split", "unstack", "array_split"):
        return _parts(name, config, full[0])
    several = broadcast_shape if name in _BINARY else reduced_shape if name in _REDUCTIONS else None
    function = SHAPES.get(name) or several
    output = function(config, full) if function else None
    if output is None or not output or output[0] != 1:
        return unknown(config, inputs, f"operation {plain(name, 40)} is not known")
    view = name in ("reshape", "expand_dims", "squeeze", "ravel", "flatten")
    read = sum(elements(shape) for shape in full)
    return Result(
        outputs=(output[1:],), operators=() if view else (moved(name, read, elements(output)),), passes_input=view,
        saves_input=name in _SAVING_INPUTS,
    )  # fmt: skip


def _parts(name: str, config: Config, shape: Shape) -> Result:
    """Outputs of ``split`` and ``unstack``."""
    axis = axis_position(config, option(config, "axis", default=0), len(shape))
    count = option(config, "indices_or_sections", "num_or_size_splits", "num", position=1)
    if name == "unstack":
        outputs = [shape[:axis] + shape[axis + 1 :]] * min(shape[axis], 4096)
    elif is_integer(count) and 0 < count <= 4096 and shape[axis] % count == 0:
        outputs = [(*shape[:axis], shape[axis] // int(count), *shape[axis + 1 :])] * int(count)
    elif isinstance(count, (list, tuple)) and len(count) <= 4096 and all(map(is_integer, count)):
        edges = [0, *map(int, count), shape[axis]]
        sizes = list(map(int, count)) if sum(count) == shape[axis] and "num_or_size_splits" in config.keywords else [
            after - before for before, after in pairwise(edges)
        ]  # fmt: skip
        outputs = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    else:
        return unknown(config, [shape[1:]], f"operation {name} has parts that the file does not state")
    if axis == 0:
        return unknown(config, [shape[1:]], f"operation {name} divides the batch axis")
    operator = moved(name, elements(shape), elements(shape))
    return Result(outputs=tuple(output[1:] for output in outputs), operators=(operator,))


def _product(name: str, config: Config, full: list[Shape]) -> Result:
    """Matrix products of two tensors."""
    equation = option(config, "subscripts", "equation", position=0)
    if name == "einsum" and isinstance(equation, str):
        sides = equation.replace(" ", "")[:200].split("->")
        terms = sides[0].split(",")
        if len(sides) != 2 or len(terms) != len(full) or any(map(lambda t, s: len(t) != len(s), terms, full)):
            return unknown(config, [shape[1:] for shape in full], "its einsum equation does not fit its inputs")
        sizes: dict[str, int] = {}
        for term, shape in zip(terms, full, strict=True):
            sizes.update(zip(term, shape, strict=True))
        if not all(letter in sizes for letter in sides[1]) or not sides[1]:
            return unknown(config, [shape[1:] for shape in full], "its einsum equation does not fit its inputs")
        output = tuple(sizes[letter] for letter in sides[1])
        work = elements(tuple(sizes.values())) if len(full) > 1 else 0
    elif name == "matmul" and len(full) == 2 and min(map(len, full)) >= 2:
        flipped = (option(config, f"transpose_{side}", f"adjoint_{side}") is True for side in "ab")
        left, right = (
            (*shape[:-2], shape[-1], shape[-2]) if flip else shape for flip, shape in zip(flipped, full, strict=True)
        )
        if left[-1] != right[-2]:
            raise config.fail(f"multiplies matrices of shapes {left[1:]} and {right[1:]}, which do not fit")
        leading = left[:-2] if len(left) >= len(right) else right[:-2]
        output = (*leading, left[-2], right[-1])
        work = elements(output) * left[-1]
    else:
        return unknown(config, [shape[1:] for shape in full], f"operation {name} is not known in this form")
    inner = max(1, work // max(1, elements(output)))
    product = MatMul(
        name=name, inputs=inner, outputs=output[-1], positions=elements(output[:-1]), tied=True, quantizable=False
    )
    return Result(outputs=(output[1:],), operators=(product,) if work else (), saves_input=True)
