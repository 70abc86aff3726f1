"""The vision tower of Kimi K2.5 (MoonViT)."""

from __future__ import annotations

from advisor.operators import Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import sequence
from advisor_huggingface.vision.tower import layer_norm, linear, patches, text_hidden, tower


def _height(config: Config, axis: str) -> int:
    return config.integer(f"pos_emb_{axis}", config.integer(f"init_pos_emb_{axis}", 64))


def _before(config: Config, whole: Config) -> tuple[Operator, ...]:
    return patches(config, bias=True, positions=_height(config, "height") * _height(config, "width"))


def _after(config: Config, whole: Config) -> tuple[Operator, ...]:
    kernel = config.integers("merge_kernel_size") or [2, 2]
    width = whole.integer("projection_hidden_size", config.hidden)
    merged = width * kernel[0] * kernel[-1]
    return (
        layer_norm("final_norm", config.hidden),
        layer_norm("projector.norm", width),
        linear("projector.up", merged, merged),
        linear("projector.down", merged, text_hidden(whole)),
    )


KIMI_K25 = tower(
    defaults={"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
              "patch_size": 14},
    before=_before,
    block=sequence(norm("norm1", bias=True), attention(bias=True, causal=False), norm("norm2", bias=True), plain_mlp()),
    after=_after,
    optional=True,
)  # fmt: skip
