"""The vision tower of Pixtral and Mistral Small 3."""

from __future__ import annotations

from advisor.operators import Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import sequence
from advisor_huggingface.vision.tower import layer_norm, linear, patches, text_hidden, tower


def _before(config: Config, whole: Config) -> tuple[Operator, ...]:
    return (*patches(config, bias=False), layer_norm("pre_norm", config.hidden, bias=False))


def _after(config: Config, whole: Config) -> tuple[Operator, ...]:
    hidden, text = config.hidden, text_hidden(whole)
    merged = hidden * whole.integer("spatial_merge_size", 2) ** 2
    chosen = whole.raw("vision_feature_layer")
    count = len(chosen) if isinstance(chosen, list) else 1
    bias = whole.flag("multimodal_projector_bias")
    return (
        layer_norm("projector.norm", hidden, bias=False),
        linear("projector.merge", merged, hidden, bias=False),
        linear("projector.up", hidden * count, text, bias=bias),
        linear("projector.down", text, text, bias=bias),
    )


MISTRAL3 = tower(
    defaults={"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
              "patch_size": 16},
    before=_before,
    block=sequence(norm("norm1"), attention(causal=False), norm("norm2"), gated_mlp()),
    after=_after,
    optional=True,
)  # fmt: skip
