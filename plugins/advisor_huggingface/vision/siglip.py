"""SigLIP towers (Gemma 3)."""

from __future__ import annotations

from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, sequence
from advisor_huggingface.vision.tower import layer_norm, patches, side, text_hidden, tower

DEFAULTS = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "image_size": 224, "patch_size": 16, "vision_use_head": True}  # fmt: skip


def encoder_block() -> Block:
    """A pre-norm block with biases everywhere."""
    return sequence(norm("norm1", bias=True), attention(bias=True, causal=False, rotary=False),
                    norm("norm2", bias=True), plain_mlp())  # fmt: skip


def before(config: Config, whole: Config) -> tuple[Operator, ...]:
    """Patches with a bias and a learned position each."""
    return patches(config, bias=True, positions=(side(config, "image_size") // side(config, "patch_size")) ** 2)


def pooling_head(config: Config) -> tuple[Operator, ...]:
    """Attention of one learned probe over the patches; it runs once an image."""
    hidden, inner = config.hidden, config.integer("intermediate_size")
    own = hidden + 4 * hidden * hidden + 4 * hidden + 2 * hidden + 2 * hidden * inner + inner + hidden
    return (Elementwise(name="pooling_head", elements=2 * hidden, parameters_own=own),)


def after_gemma3(config: Config, whole: Config) -> tuple[Operator, ...]:
    """The last norm and the projection of pooled patches."""
    hidden = config.hidden
    head = pooling_head(config) if config.flag("vision_use_head", True) else ()
    return (
        layer_norm("post_norm", hidden),
        *head,
        layer_norm("projector.norm", hidden, bias=False),
        MatMul(name="projector", inputs=hidden, outputs=text_hidden(whole), quantizable=False, saved_elements=hidden),
    )


GEMMA3 = tower(defaults=DEFAULTS, before=before, block=encoder_block(), after=after_gemma3, optional=True)
