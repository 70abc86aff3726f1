"""Normalisation layers, with the statistics that they store beside what they train."""

from __future__ import annotations

from typing import Any

from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor.records import replace
from advisor_graph.operators import TransposedConvolution
from advisor_keras.config import Config, Shape
from advisor_keras.result import Result, elements, layer, only_input


def _axes(config: Config, value: Any, rank: int) -> list[int]:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return sorted({config.axis(axis, rank) for axis in listed})


def _scaled(shape: Shape, trained: int) -> Elementwise:
    """Return the operator that normalises: it reads, writes and later needs every value."""
    return Elementwise(name="scale", elements=2 * elements(shape), parameters_own=trained)


def _stored(name: str, count: int) -> Elementwise:
    return Elementwise(name=name, elements=0, parameters_own=count, trainable=False)


@layer("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization")
def batch_normalization(config: Config, inputs: list[Shape]) -> Result:
    """Normalises over the batch; keeps a moving mean and variance a channel."""
    shape = only_input(config, inputs)
    axes = _axes(config, config.values.get("axis", -1), len(shape))
    channels = elements(tuple(shape[axis] for axis in axes))
    trained = channels * (config.flag("scale", True) + config.flag("center", True))
    operators: list[Operator] = [_scaled(shape, trained), _stored("moving_statistics", 2 * channels)]
    if config.flag("renorm", False):
        operators.append(_stored("renorm_statistics", 3 * channels))
    return Result(outputs=(shape,), operators=tuple(operators), saves_input=True)


@layer("LayerNormalization")
def layer_normalization(config: Config, inputs: list[Shape]) -> Result:
    """Normalises over the last axes of each sample."""
    shape = only_input(config, inputs)
    axes = _axes(config, config.values.get("axis", -1), len(shape))
    width = elements(tuple(shape[axis] for axis in axes))
    if config.flag("rms_scaling", False):
        trained = width  # Keras 3 then trains a scale alone
    else:
        trained = width * (config.flag("scale", True) + config.flag("center", True))
    return Result(outputs=(shape,), operators=(_scaled(shape, trained),), saves_input=True)


@layer("RMSNormalization")
def rms_normalization(config: Config, inputs: list[Shape]) -> Result:
    """Divides by the root of the mean square over an axis."""
    shape = only_input(config, inputs)
    axes = _axes(config, config.values.get("axis", -1), len(shape))
    width = elements(tuple(shape[axis] for axis in axes))
    return Result(outputs=(shape,), operators=(_scaled(shape, width),), saves_input=True)


@layer("GroupNormalization", "InstanceNormalization")
def group_normalization(config: Config, inputs: list[Shape]) -> Result:
    """Normalises over groups of channels of each sample."""
    shape = only_input(config, inputs)
    channels = shape[_axes(config, config.values.get("axis", -1), len(shape))[0]]
    groups = config.integer("groups", 32, least=-1)
    if groups == 0 or (groups > 0 and channels % groups):
        raise config.fail(f"groups is {groups}; it must divide the {channels} channels (or be -1: one a channel)")
    trained = channels * (config.flag("scale", True) + config.flag("center", True))
    return Result(outputs=(shape,), operators=(_scaled(shape, trained),), saves_input=True)


@layer("UnitNormalization")
def unit_normalization(config: Config, inputs: list[Shape]) -> Result:
    """Divides by the Euclidean norm."""
    shape = only_input(config, inputs)
    return Result(outputs=(shape,), operators=(_scaled(shape, 0),), saves_input=True)


@layer("SpectralNormalization")
def spectral_normalization(config: Config, inputs: list[Shape]) -> Result:
    """Divides the kernel of the layer within by its largest singular value; keeps a vector for it."""
    inner = config.walk.inner(config.values.get("layer"), inputs)
    vector = Elementwise(name="vector_u", elements=0, parameters_own=_kernel_width(inner.operators), trainable=False)
    return replace(inner, operators=(*inner.operators, vector))


def _kernel_width(operators: tuple[Operator, ...]) -> int:
    """Return the size of the last axis of the kernel, as Keras stores it."""
    for op in operators:
        if isinstance(op, TransposedConvolution):
            return op.inputs
        if isinstance(op, MatMul):
            return op.outputs // op.groups if op.name == "depthwise_kernel" else op.outputs
        if isinstance(op, Embedding):
            return op.width
    return 0


@layer("Normalization")
def normalization(config: Config, inputs: list[Shape]) -> Result:
    """Subtracts a mean and divides by a deviation learned beforehand from data, or given."""
    shape = only_input(config, inputs)
    operators: list[Operator] = [Elementwise(name="normalize", elements=2 * elements(shape))]
    if config.values.get("mean") is None:
        axis = config.values.get("axis", -1)
        axes = [] if axis is None or axis == [] else _axes(config, axis, len(shape))
        count = elements(tuple(shape[position] for position in axes))
        operators.append(_stored("statistics", 2 * count + 1))  # and a count of what it saw
    return Result(outputs=(shape,), operators=tuple(operators))
