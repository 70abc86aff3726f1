"""Activation functions: what they move, and what their backward pass needs."""

from __future__ import annotations

from typing import Any

from advisor.operators import Elementwise
from advisor_keras.config import Config

#: The derivative follows from the output, so that the input need not be kept.
_FROM_OUTPUT_WORDS = """
relu relu6 sigmoid tanh softmax log_softmax elu selu exponential leaky_relu leakyrelu hard_tanh sparsemax softplus
"""
_FROM_OUTPUT = frozenset(_FROM_OUTPUT_WORDS.split())


def activation_name(value: Any) -> str:
    """Return the name of an activation given as text or as a serialised object; ``linear`` for none."""
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("registered_name") or value.get("class_name")
    return value.lower() if isinstance(value, str) else "linear"


def activation(config: Config, count: int, key: str = "activation", default: str = "linear") -> tuple[
    tuple[Elementwise, ...], bool
]:  # fmt: skip
    """Return the operator of an activation over ``count`` values, and whether it keeps its output.

    One that keeps its input instead (gelu, silu) carries it in ``saved_elements``.
    """
    name = activation_name(config.values.get(key, default))
    if name in ("linear", "identity"):
        return (), False
    from_output = name in _FROM_OUTPUT
    return (Elementwise(name=name, elements=2 * count, saved_elements=0 if from_output else count),), from_output
