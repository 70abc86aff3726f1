"""The vision tower of Step-3.7."""

from __future__ import annotations

from advisor.operators import Convolution, Elementwise, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import sequence
from advisor_huggingface.vision.tower import layer_norm, linear, patches, side, text_hidden, tower


def _before(config: Config, whole: Config) -> tuple[Operator, ...]:
    count = (side(config, "image_size") // side(config, "patch_size")) ** 2
    return (*patches(config, bias=False, positions=count), layer_norm("pre_norm", config.hidden))


def _scales(config: Config, layer: int) -> tuple[Operator, ...]:
    return (Elementwise(name="layer_scales", elements=4 * config.hidden, parameters_own=2 * config.hidden),)


def _width(config: Config, layer: int) -> int:
    return int(config.hidden * config.number("mlp_ratio", 8960 / 1536))


def _after(config: Config, whole: Config) -> tuple[Operator, ...]:
    hidden = config.hidden
    halvings = tuple(
        Convolution(name=f"downsample_{step}", inputs=9 * step * hidden, outputs=2 * step * hidden, bias=True,
                    input_elements=step * hidden, quantizable=False, saved_elements=step * hidden)
        for step in (1, 2)
    )  # fmt: skip
    projector = linear("projector", 4 * hidden, text_hidden(whole), bias=whole.flag("projector_bias"))
    return (*halvings, projector)


STEP = tower(
    fields={},
    defaults={"hidden_size": 1536, "num_hidden_layers": 47, "num_attention_heads": 16, "image_size": 728,
              "patch_size": 14},
    before=_before,
    block=sequence(norm("norm1", bias=True), attention(bias=True, causal=False), norm("norm2", bias=True),
                   plain_mlp(width=_width), _scales),
    after=_after,
    optional=True,
)  # fmt: skip
