"""What text encoders share: post-norm blocks, embeddings of several tables, and the heads on top."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, sequence
from advisor_huggingface.network import labels
from advisor_huggingface.samples import SequenceMatMul

#: A norm after each part, biases everywhere (Vaswani et al. 2017, Devlin et al. 2018).
POST_NORM: Block = sequence(
    attention(bias=True, causal=False, rotary=False), norm("attention_norm", bias=True), plain_mlp(),
    norm("output_norm", bias=True),
)  # fmt: skip


def layer_norm(name: str, width: int, *, bias: bool = True, once: bool = False) -> Elementwise:
    """A norm of a given width; ``once`` a sequence."""
    return Elementwise(name=name, elements=2 * width, parameters_own=width * (1 + bias), saved_elements=width,
                       last_unit_only=once)  # fmt: skip


def linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> MatMul:
    """A product of the head or the embedding, which quantized checkpoints leave wide."""
    return MatMul(name=name, inputs=inputs, outputs=outputs, bias=bias, quantizable=False, saved_elements=inputs)


def pooled(name: str, inputs: int, outputs: int, *, bias: bool = True) -> SequenceMatMul:
    """A product on one unit of each sequence."""
    return SequenceMatMul(name=name, inputs=inputs, outputs=outputs, bias=bias)


def tables(width: int, sizes: Iterable[tuple[str, int]]) -> tuple[Operator, ...]:
    """Embedding tables of ``(name, rows)``; those without rows are left out."""
    return tuple(
        Embedding(name=f"embed_{name}", rows=rows, width=width, split="vocabulary" if name == "tokens" else "none")
        for name, rows in sizes
        if rows
    )


def token_scores(
    config: Config, width: int, *, bias: bool = True, second_bias: bool = False
) -> tuple[Operator, ...]:
    """Scores over the vocabulary of every token: weights of the embedding where tied, a bias of their own.

    ``second_bias``: the head keeps a bias beside its product's, the same one where weights are tied.
    """
    vocabulary, tied = config.integer("vocab_size"), config.flag("tie_word_embeddings", True)
    head = MatMul(name="lm_head", inputs=width, outputs=vocabulary, tied=tied, bias=bias and not tied,
                  quantizable=False, split="vocabulary", saved_elements=width)  # fmt: skip
    if not bias or not (tied or second_bias):
        return (head,)
    return (head, Elementwise(name="lm_head.bias", elements=0, parameters_own=vocabulary, split="vocabulary"))


def masked_scores(config: Config, width: int, *, second_bias: bool = True) -> tuple[Operator, ...]:
    """The head of masked-token prediction: a product, a norm, and the scores."""
    hidden = config.hidden
    return (linear("head.dense", hidden, width),
            Elementwise(name="head.activation", elements=2 * width, saved_elements=width),
            layer_norm("head.norm", width), *token_scores(config, width, second_bias=second_bias))  # fmt: skip


def classifiers(config: Config, wanted: str, dense: tuple[Operator, ...]) -> tuple[Operator, ...]:
    """Classifiers of tokens, spans, and of sequences after ``dense``; none for other tasks."""
    hidden = config.hidden
    if wanted in ("TokenClassification", "QuestionAnswering"):
        return (linear("classifier", hidden, 2 if wanted == "QuestionAnswering" else labels(config)),)
    if wanted in ("SequenceClassification", "MultipleChoice"):
        return (*dense, pooled("classifier", hidden, 1 if wanted == "MultipleChoice" else labels(config)))
    return ()
