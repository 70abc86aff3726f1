"""Normalisation of the residual stream."""

from __future__ import annotations

from advisor.operators import Elementwise, Operator
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Setting, Size, enabled, size


def norm(name: str = "norm", *, bias: Setting = False, scale: Setting = True, width: Size = "hidden_size") -> Block:
    """RMS norm (scale alone) or layer norm (``bias``), fused with the residual addition before it.

    It reads the block's output and the residual and writes the residual and the normed value.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        channels = size(width, config, layer)
        values = channels * (enabled(scale, config, layer) + enabled(bias, config, layer))
        return (Elementwise(name=name, elements=4 * channels, parameters_own=values, saved_elements=channels),)

    return build
