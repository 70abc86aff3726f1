"""Gemma, Gemma 2 and Gemma 3: tied embeddings, norms before and after, sliding layers from Gemma 2 on."""

from __future__ import annotations

from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Family, OptionalMeasure, sequence
from advisor_huggingface.vision import siglip


def pattern_window(default: int) -> OptionalMeasure:
    """The window of every layer but each ``sliding_window_pattern``-th, unless ``layer_types`` says otherwise."""

    def window(config: Config, layer: int) -> int | None:
        kind = layer_kind(config, layer)
        slides = "sliding" in kind if kind else (layer + 1) % config.integer("sliding_window_pattern", default) != 0
        return config.optional("sliding_window") if slides else None

    return window


def sandwich(mixer: Block, feed_forward: Block) -> Block:
    """A norm before and after each part."""
    return sequence(norm("input_norm"), mixer, norm("post_attention_norm"), norm("pre_feedforward_norm"),
                    feed_forward, norm("post_feedforward_norm"))  # fmt: skip


GEMMA = Family(
    name="gemma",
    model_types=("gemma",),
    layer=sequence(
        norm("input_norm"), attention(bias="attention_bias"), norm("post_attention_norm"), gated_mlp()
    ),
    defaults={"tie_word_embeddings": True, "head_dim": 256},
)

GEMMA2 = Family(
    name="gemma2",
    model_types=("gemma2",),
    layer=sandwich(attention(bias="attention_bias", window=pattern_window(2)), gated_mlp()),
    defaults={"tie_word_embeddings": True, "head_dim": 256, "num_key_value_heads": 4, "sliding_window": 4096},
)

GEMMA3_TEXT = Family(
    name="gemma3",
    model_types=("gemma3_text",),
    layer=sandwich(attention(bias="attention_bias", qk_norm="head", window=pattern_window(6)), gated_mlp()),
    defaults={"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
              "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096,
              "tie_word_embeddings": True, "max_position_embeddings": 131072},
)  # fmt: skip
GEMMA3 = Family(name="gemma3", model_types=("gemma3",), text=("text_config",), text_family="gemma3_text",
                towers=(siglip.GEMMA3,))  # fmt: skip

FAMILIES = (GEMMA, GEMMA2, GEMMA3_TEXT, GEMMA3)
