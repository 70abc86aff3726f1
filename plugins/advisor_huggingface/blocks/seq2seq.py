"""Encoder-decoder transformers: a shared table, an encoder that runs once a request, a decoder that looks at it."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Elementwise, MatMul, Operator
from advisor.records import replace
from advisor_huggingface.samples import CrossAttention

#: Said of every such model: what its figures count.
NOTE = (
    "the encoder is a stack of its own: its weights count, its work is not part of a decoder's pass; the decoder's "
    "cache holds the encoder's keys and values beside its own"
)


def cross_attention(
    hidden: int, heads: int, width: int, *, bias: bool, key_bias: bool = True, keys: int | None = None
) -> tuple[tuple[Operator, ...], tuple[Operator, ...]]:
    """Operators of the decoder, and the product of keys and values that runs on the encoder's output."""
    inner = heads * width
    decoder: tuple[Operator, ...] = (
        MatMul(name="cross.q", inputs=hidden, outputs=inner, bias=bias, split="columns", saved_elements=hidden),
        CrossAttention(name="cross_attention", heads=heads, kv_heads=heads, key_width=width, value_width=width,
                       keys=keys, saved_elements=2 * inner),
        MatMul(name="cross.o", inputs=inner, outputs=hidden, bias=bias, split="rows"),
    )  # fmt: skip
    keys_values = MatMul(name="cross.kv", inputs=hidden, outputs=2 * inner, bias=bias and key_bias, split="columns",
                         saved_elements=hidden, extra_parameters=inner if bias and not key_bias else 0)  # fmt: skip
    return decoder, (keys_values,)


def without_key_bias(operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
    """A fused product whose query and value parts alone have a bias."""
    return tuple(replace(op, bias=False, extra_parameters=op.outputs * 2 // 3)
                 if isinstance(op, MatMul) and op.name == "qkv" else op for op in operators)  # fmt: skip


def look_up(width: int) -> Elementwise:
    """Rows of a table that another layer holds."""
    return Elementwise(name="embed_tokens", elements=2 * width)


def scores(hidden: int, vocabulary: int, tied: bool) -> MatMul:
    """The logits, of the last token alone where an engine generates."""
    return MatMul(name="lm_head", inputs=hidden, outputs=vocabulary, tied=tied, quantizable=False, last_unit_only=True,
                  split="vocabulary", saved_elements=hidden)  # fmt: skip


def cross_layer(operators: tuple[Operator, ...], count: int) -> Layer:
    """Keys and values of all decoder layers, made once from the encoder's output."""
    return Layer(name="decoder.cross_keys_values", kind="cross", operators=operators, count=count, stack="encoder")
