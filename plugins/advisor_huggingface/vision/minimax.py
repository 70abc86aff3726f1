"""The vision tower of MiniMax-M3."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.operators import Operator
from advisor_huggingface.config import Config
from advisor_huggingface.vision.siglip import encoder_block
from advisor_huggingface.vision.tower import layer_norm, linear, patches, text_hidden, tower


def _merging(config: Config, field: str) -> int:
    inner = config.raw("img_token_compression_config")
    value = inner.get(field) if isinstance(inner, Mapping) else None
    return config.integer(field, 2) if value is None else config.whole(field, value, 1)


def _before(config: Config, whole: Config) -> tuple[Operator, ...]:
    frames = _merging(config, "temporal_patch_size")
    return (*patches(config, bias=False, frames=frames), layer_norm("pre_norm", config.hidden))


def _after(config: Config, whole: Config) -> tuple[Operator, ...]:
    inner, text = whole.integer("projector_hidden_size", 6144), text_hidden(whole)
    merged = text * _merging(config, "spatial_merge_size") ** 2
    return (
        linear("projector.up", config.hidden, inner),
        linear("projector.down", inner, text),
        linear("merger.up", merged, inner),
        linear("merger.down", inner, text),
    )


MINIMAX_M3 = tower(
    defaults={"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16,
              "patch_size": 14},
    before=_before,
    block=encoder_block(),
    after=_after,
    optional=True,
)  # fmt: skip
