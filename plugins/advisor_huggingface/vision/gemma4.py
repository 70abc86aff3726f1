"""The vision tower of Gemma 4."""

from __future__ import annotations

from advisor.operators import Embedding, MatMul, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import sequence
from advisor_huggingface.vision.tower import patches, text_hidden, tower


def _before(config: Config, whole: Config) -> tuple[Operator, ...]:
    # One table for each axis of the image.
    table = Embedding(name="position_embedding", rows=2 * config.integer("position_embedding_size"),
                      width=config.hidden, split="none")  # fmt: skip
    return (*patches(config, bias=False), table)


def _after(config: Config, whole: Config) -> tuple[Operator, ...]:
    hidden = config.hidden
    return (MatMul(name="projector", inputs=hidden, outputs=text_hidden(whole), quantizable=False,
                   saved_elements=hidden),)  # fmt: skip


GEMMA4 = tower(
    defaults={"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 16, "num_attention_heads": 12,
              "num_key_value_heads": 12, "head_dim": 64, "patch_size": 16, "position_embedding_size": 10240},
    before=_before,
    block=sequence(
        norm("input_norm"),
        attention(causal=False, qk_norm="head", value_norm=True),
        norm("post_attention_norm"),
        norm("pre_feedforward_norm"),
        gated_mlp(),
        norm("post_feedforward_norm"),
    ),
    after=_after,
    optional=True,
)  # fmt: skip
