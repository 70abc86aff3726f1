"""Gemma 3n: four residual streams (AltUp), a low-rank side path (Laurel), per-layer inputs, shared caches."""

from __future__ import annotations

from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.ends import embedding, output
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.gemma4 import all_layer_inputs, per_layer_input, shares_cache
from advisor_huggingface.family import Block, Family, sequence


def _window(config: Config, layer: int) -> int | None:
    kind = layer_kind(config, layer)
    slides = "sliding" in kind if kind else (layer + 1) % 5 != 0
    return config.optional("sliding_window") if slides else None


def _width(config: Config, layer: int) -> int:
    given = config.raw("intermediate_size")
    if isinstance(given, list):
        return config.whole("intermediate_size", config.each_layer("intermediate_size")[layer], 1)
    return config.integer("intermediate_size")


def _altup(config: Config, layer: int) -> tuple[Operator, ...]:
    streams, hidden = config.integer("altup_num_inputs", 4), config.hidden
    return (
        Elementwise(name="altup.norm", elements=2 * hidden, parameters_own=2 * hidden, saved_elements=hidden),
        MatMul(name="altup.router", inputs=hidden, outputs=streams, quantizable=False),
        MatMul(name="altup.coefficients", inputs=streams, outputs=streams + streams**2, quantizable=False),
        Elementwise(name="altup.mix", elements=4 * streams * hidden, saved_elements=streams * hidden),
    )


def _laurel(config: Config, layer: int) -> tuple[Operator, ...]:
    rank, hidden = config.integer("laurel_rank", 64), config.hidden
    return (
        MatMul(name="laurel.down", inputs=hidden, outputs=rank),
        MatMul(name="laurel.up", inputs=rank, outputs=hidden, saved_elements=rank),
        *norm("laurel.norm")(config, layer),
    )


def _streams(name: str) -> Block:
    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        count, hidden = config.integer("altup_num_inputs", 4) - 1, config.hidden
        return (MatMul(name=name, inputs=hidden, outputs=hidden, copies=count, quantizable=False,
                       saved_elements=hidden),)  # fmt: skip

    return build


GEMMA3N_TEXT = Family(
    name="gemma3n",
    model_types=("gemma3n_text",),
    embedding=embedding(then=sequence(all_layer_inputs, _streams("altup.projection"))),
    layer=sequence(
        _altup,
        norm("input_norm"),
        _laurel,
        attention(bias="attention_bias", qk_norm="head", value_norm=True, reads_other_cache=shares_cache,
                  window=_window),
        norm("post_attention_norm"),
        norm("pre_feedforward_norm"),
        gated_mlp(width=_width),
        norm("post_feedforward_norm"),
        per_layer_input,
    ),
    output=output(last=sequence(_streams("altup.unembed_projection"), norm("norm"))),
    defaults={"vocab_size": 262400, "hidden_size": 2048, "intermediate_size": 16384, "num_hidden_layers": 35,
              "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256, "sliding_window": 512,
              "tie_word_embeddings": True, "max_position_embeddings": 32768, "vocab_size_per_layer_input": 262144,
              "num_kv_shared_layers": 15},
)  # fmt: skip
GEMMA3N = Family(name="gemma3n", model_types=("gemma3n",), text=("text_config",), text_family="gemma3n_text",
                 notes=("the vision and audio towers of Gemma 3n are not counted",))  # fmt: skip

FAMILIES = (GEMMA3N_TEXT, GEMMA3N)
