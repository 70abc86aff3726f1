"""Makes the advisor's model of the collected layers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from advisor.formats import format_named
from advisor.models import Layer, Model
from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor.records import replace
from advisor_keras.config import ConfigError, plain, shown
from advisor_keras.files import KerasFile
from advisor_keras.result import elements
from advisor_keras.serialized import describe
from advisor_keras.walk import Collected, Walk

MOST_PARAMETERS = 10**16

_FORMATS = {
    "float64": "fp64", "float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "int8": "int8", "int4": "int4",
}  # fmt: skip


def stored_formats(dtype: Any) -> tuple[str, str]:
    """Return the formats in which a dtype policy stores matrices and all else: fp32 under ``mixed_*``.

    Under a policy of ``model.quantize`` the matrices are integers and the rest as before.
    """
    policy = dtype.get("config") if isinstance(dtype, Mapping) else None
    if isinstance(policy, Mapping):
        policies = policy.get("policy_map")  # of a layer made of layers; its first entry speaks for it
        if isinstance(policies, Mapping) and policies:
            return stored_formats(next(iter(policies.values())))
        source = policy.get("source_name")
        if isinstance(source, str):
            mode = str(policy.get("mode")).partition("/")[0]
            plain = stored_formats(source)[0]
            return {"int8": "int8", "int4": "int4", "gptq": "int4", "awq": "int4"}.get(mode, plain), plain
        dtype = policy.get("name")
    if not isinstance(dtype, str):
        return "fp32", "fp32"
    matrix, _, source = dtype.partition("_from_")
    plain = "fp32" if (source or matrix).startswith("mixed_") else _FORMATS.get(source or matrix, "fp32")
    return (_FORMATS.get(matrix, plain) if source and matrix != "float8" else plain), plain


def to_model(file: KerasFile, walk: Walk, origin: str) -> Model:
    """Return the model; ``blocks`` counts the layers that have weights."""
    _, _, name = describe(file.document)
    by_format: dict[str, int] = {}
    formats = {path: stored_formats(layer.dtype) for path, layer in walk.layers.items()}
    for path, layer in walk.layers.items():
        for op in layer.operators:
            own = formats[path][not _is_matrix(op)]
            by_format[own] = by_format.get(own, 0) + op.copies * op.parameters
    main = max(by_format, key=lambda key: by_format[key], default="fp32")
    layers = tuple(
        Layer(name=path, kind=layer.kind, operators=_formatted(layer, formats[path], main))
        for path, layer in walk.layers.items()
    )
    total = sum(_parameters(layer) for layer in walk.layers.values())
    if total > MOST_PARAMETERS:
        raise ConfigError(f"its layers hold {shown(total)} parameters; at most {MOST_PARAMETERS} are believed")
    return Model(
        name=name, family="keras", layers=layers, unit="sample", generates=False, weight_format=main,
        cache_format="fp16" if main == "fp16" else "bf16", reader="keras", source=origin,
        blocks=max(1, sum(_parameters(layer) > 0 for layer in walk.layers.values())), tensor_parallel_limit=1,
        sample_elements=sum(elements(shape) for shape in walk.inputs), notes=tuple(walk.notes),
        attributes=MappingProxyType(_attributes(file, walk, total)),
    )  # fmt: skip


def _parameters(layer: Collected) -> int:
    return sum(op.copies * op.parameters for op in layer.operators)


def _is_matrix(op: Operator) -> bool:
    return isinstance(op, (MatMul, Embedding))


def _formatted(layer: Collected, formats: tuple[str, str], main: str) -> tuple[Operator, ...]:
    """Return the operators with a format of their own where it is not what the model's format implies."""
    operators = []
    wide = main if format_named(main).bits >= 16 else "bf16"  # what the core takes for what is not quantizable
    for op in layer.operators:
        own = formats[not _is_matrix(op)]
        implied = main if op.quantizable else wide
        operators.append(replace(op, native_format=own) if op.parameters and own != implied else op)
    if not layer.trainable:
        operators = [replace(op, trainable=False) if isinstance(op, Elementwise) else op for op in operators]
    return tuple(operators)


def _attributes(file: KerasFile, walk: Walk, total: int) -> dict[str, Any]:
    """Return what the file says of its training, as plain text and numbers."""
    frozen = sum(
        op.copies * op.parameters for layer in walk.layers.values() for op in layer.operators
        if not layer.trainable or (isinstance(op, Elementwise) and not op.trainable)
    )  # fmt: skip
    answer: dict[str, Any] = {"container": file.container, "trainable_parameters": total - frozen}
    if file.keras_version:
        answer["keras_version"] = plain(file.keras_version)
    compiled = file.document.get("compile_config")
    training = file.training or (compiled if isinstance(compiled, Mapping) else {})
    optimizer = training.get("optimizer_config") or training.get("optimizer")
    if isinstance(optimizer, str):
        answer["optimizer"] = plain(optimizer)
    elif isinstance(optimizer, Mapping):
        kind, settings = optimizer.get("class_name"), optimizer.get("config")
        if isinstance(kind, str):
            answer["optimizer"] = plain(kind.split(">")[-1])
        rate = settings.get("learning_rate") if isinstance(settings, Mapping) else None
        if isinstance(rate, (int, float)) and not isinstance(rate, bool):
            answer["learning_rate"] = float(f"{rate:.6g}")
    loss = training.get("loss")
    if isinstance(loss, Mapping):
        loss = loss.get("class_name")
    if isinstance(loss, str):
        answer["loss"] = plain(loss)
    return answer
