"""Layer functions by kind. Importing this package fills the table ``advisor_keras.result.LAYERS``."""

from advisor_keras.layers import (
    attention,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    reshaping,
    wrappers,
)
from advisor_keras.layers.operations import operation, operation_name

__all__ = [
    "attention", "convolution", "core", "merging", "normalization", "operation", "operation_name", "pooling",
    "preprocessing", "recurrent", "reshaping", "wrappers",
]  # fmt: skip
