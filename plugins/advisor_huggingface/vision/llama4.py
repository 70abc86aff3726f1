"""The vision tower of Llama 4."""

from __future__ import annotations

from advisor.operators import Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import sequence
from advisor_huggingface.vision.tower import layer_norm, linear, patches, side, text_hidden, tower


def _before(config: Config, whole: Config) -> tuple[Operator, ...]:
    count = (side(config, "image_size") // side(config, "patch_size")) ** 2 + 1
    return (*patches(config, bias=False, positions=count, class_token=True), layer_norm("pre_norm", config.hidden))


def _after(config: Config, whole: Config) -> tuple[Operator, ...]:
    shared = config.integer("projector_output_dim")
    return (
        layer_norm("post_norm", config.hidden),
        linear("adapter.up", config.integer("intermediate_size"), config.integer("projector_input_dim"), bias=False),
        linear("adapter.down", shared, shared, bias=False),
        linear("projector", config.integer("vision_output_dim"), text_hidden(whole), bias=False),
    )


LLAMA4 = tower(
    defaults={"hidden_size": 768, "num_hidden_layers": 34, "num_attention_heads": 16, "intermediate_size": 5632,
              "vision_output_dim": 7680, "image_size": 448, "patch_size": 14, "projector_input_dim": 4096,
              "projector_output_dim": 4096},
    before=_before,
    block=sequence(
        norm("input_norm", bias=True),
        attention(bias=True, causal=False),
        norm("post_attention_norm", bias=True),
        plain_mlp(),
    ),
    after=_after,
    optional=True,
)  # fmt: skip
