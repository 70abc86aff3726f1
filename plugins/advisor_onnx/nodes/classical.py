"""Classical models of ``ai.onnx.ml``: linear models, support vectors, trees. Their parameters are attributes."""

from __future__ import annotations

from typing import Any

from advisor.operators import Elementwise, MatMul
from advisor_onnx.call import Call
from advisor_onnx.document import Tensor
from advisor_onnx.kinds import FLOAT, INT64, STRING
from advisor_onnx.nodes import node
from advisor_onnx.nodes.sequences import sequence
from advisor_onnx.values import Value

ML = "ai.onnx.ml"


def _list(call: Call, name: str) -> list[Any]:
    found = call.attributes.get(name)
    if isinstance(found, Tensor):
        return [0] * min(found.elements, 1_000_000)
    return found if isinstance(found, list) else []


def _classes(call: Call) -> int:
    names = _list(call, "classlabels_int64s") or _list(call, "classlabels_ints") or _list(call, "classlabels_strings")
    return max(len(names), 1)


def _rows(call: Call) -> int:
    shape = call.value(0).shape
    return shape[0] if len(shape) > 1 else 1


def _label(call: Call) -> int:
    return STRING if _list(call, "classlabels_strings") else INT64


@node("LinearClassifier", "LinearRegressor", domain=ML)
def linear(call: Call) -> list[Value]:
    """Coefficients times features, plus an intercept."""
    data = call.value(0)
    features, rows = data.shape[-1] if data.shape else 1, _rows(call)
    coefficients, intercepts = len(_list(call, "coefficients")), len(_list(call, "intercepts"))
    targets = max(coefficients // max(features, 1), 1)
    call.emit(MatMul(name="coefficients", inputs=features, outputs=targets, positions=rows, native_format="fp32",
                     extra_parameters=coefficients + intercepts - features * targets, split="columns"))  # fmt: skip
    if call.node.op_type == "LinearRegressor":
        return [Value((rows, targets))]
    return [Value((rows,), _label(call)), Value((rows, max(_classes(call), targets)))]


@node("SVMClassifier", "SVMRegressor", domain=ML)
def support_vectors(call: Call) -> list[Value]:
    """A kernel with each support vector, then their sum by coefficients."""
    data = call.value(0)
    features, rows = data.shape[-1] if data.shape else 1, _rows(call)
    stored, coefficients = len(_list(call, "support_vectors")), len(_list(call, "coefficients"))
    vectors = stored // max(features, 1)
    call.emit(MatMul(name="support_vectors", inputs=features, outputs=vectors, positions=rows, native_format="fp32",
                     extra_parameters=stored - features * vectors))  # fmt: skip
    targets = max(coefficients // max(vectors, 1), 1)
    more = coefficients + len(_list(call, "rho")) - vectors * targets
    call.emit(MatMul(name="coefficients", inputs=vectors, outputs=targets, positions=rows, native_format="fp32",
                     extra_parameters=max(more, -vectors * targets)))  # fmt: skip
    if call.node.op_type == "SVMRegressor":
        return [Value((rows, 1))]
    return [Value((rows,), _label(call)), Value((rows, _classes(call)))]


@node("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", domain=ML)
def trees(call: Call) -> list[Value]:
    """Comparisons down each tree: bytes; the thresholds and leaf values are its parameters."""
    rows = _rows(call)
    splits = len(_list(call, "nodes_values")) or len(_list(call, "nodes_splits"))
    leaves = len(_list(call, "class_weights")) or len(_list(call, "target_weights")) or len(_list(call, "leaf_weights"))
    roots = _list(call, "tree_roots")
    trees_count = len(roots) or len(set(_list(call, "nodes_treeids"))) or 1
    depth = max(1, (max(splits, 1) // max(trees_count, 1)).bit_length())
    call.emit(Elementwise(name="trees", elements=2 * rows * trees_count * depth, parameters_own=splits + leaves,
                          native_format="fp32"))  # fmt: skip
    if call.node.op_type == "TreeEnsembleClassifier":
        return [Value((rows,), _label(call)), Value((rows, _classes(call)))]
    return [Value((rows, max(1, call.integer("n_targets", 1))), call.value(0).dtype)]


@node("Binarizer", "Imputer", "Scaler", "Normalizer", domain=ML)
def scaled(call: Call) -> list[Value]:
    """Each value changed on its own."""
    data = call.value(0)
    output = Value(data.shape, data.dtype if call.node.op_type in ("Binarizer", "Imputer") else FLOAT)
    stored = sum(len(_list(call, name)) for name in ("offset", "scale", "imputed_value_floats"))
    call.emit(Elementwise(name=call.node.op_type.lower(), elements=2 * data.elements, parameters_own=stored))
    return [output]


@node("LabelEncoder", "CategoryMapper", domain=ML)
def encoded(call: Call) -> list[Value]:
    """Each value looked up in a table."""
    data = call.value(0)
    found = call.attributes
    text = "values_strings" in found or (call.node.op_type == "CategoryMapper" and data.dtype == INT64)
    dtype = STRING if text else FLOAT if "values_floats" in found else INT64
    if isinstance(found.get("values_tensor"), Tensor):
        dtype = found["values_tensor"].dtype
    call.emit(Elementwise(name="look_up", elements=2 * data.elements))
    return [Value(data.shape, dtype)]


@node("OneHotEncoder", domain=ML)
def marked(call: Call) -> list[Value]:
    """An axis with a mark for each known category."""
    data = call.value(0)
    output = Value((*data.shape, len(_list(call, "cats_int64s")) or len(_list(call, "cats_strings"))))
    call.emit(Elementwise(name="one_hot", elements=data.elements + output.elements))
    return [output]


@node("ArrayFeatureExtractor", domain=ML)
def picked(call: Call) -> list[Value]:
    """Some entries of the last axis."""
    data, chosen = call.value(0), call.value(1)
    output = Value((*(data.shape[:-1] or (1,)), chosen.elements), data.dtype)
    call.move([output], read=output.elements)
    return [output]


@node("FeatureVectorizer", domain=ML)
def side_by_side(call: Call) -> list[Value]:
    """All inputs in one row."""
    rows = _rows(call)
    output = Value((rows, sum(value.elements for value in call.present) // max(rows, 1)))
    call.move([output])
    return [output]


@node("DictVectorizer", "CastMap", domain=ML)
def from_map(call: Call) -> list[Value]:
    """A row from a map."""
    words = _list(call, "string_vocabulary") or _list(call, "int64_vocabulary")
    return [Value((1, len(words) or 1))]


@node("ZipMap", domain=ML)
def to_map(call: Call) -> list[Value]:
    """A map for each row."""
    return [sequence([call.value(0)])]
