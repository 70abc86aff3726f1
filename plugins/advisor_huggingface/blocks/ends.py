"""What comes before and after the blocks: embeddings, the last norm, the logits."""

from __future__ import annotations

from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, OptionalSize, Setting, Size, enabled, optional_size, size


def embedding(
    *,
    positions: OptionalSize = None,
    width: Size = "hidden_size",
    then: Block | None = None,
) -> Block:
    """Token embedding, an optional table of learned ``positions``, and what follows it."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        channels = size(width, config, layer)
        operators: list[Operator] = [
            Embedding(name="embed_tokens", rows=config.integer("vocab_size"), width=channels)
        ]
        rows = optional_size(positions, config, layer)
        if rows:
            operators.append(Embedding(name="embed_positions", rows=rows, width=config.hidden, split="none"))
        return (*operators, *(then(config, layer) if then else ()))

    return build


def output(*, last: Block | None = None, bias: Setting = False, width: Size = "hidden_size") -> Block:
    """The last norm and the logits, whose weights are the embedding's where they are tied."""
    before = norm("norm") if last is None else last

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        channels = size(width, config, layer)
        vocabulary, biased = config.integer("vocab_size"), enabled(bias, config, layer)
        tied = config.flag("tie_word_embeddings")
        head = MatMul(name="lm_head", inputs=channels, outputs=vocabulary, bias=biased and not tied, tied=tied,
                      quantizable=False, last_unit_only=True, split="vocabulary",
                      saved_elements=channels)  # fmt: skip
        if not (biased and tied):
            return (*before(config, layer), head)
        own = Elementwise(name="lm_head.bias", elements=2 * vocabulary, parameters_own=vocabulary, split="vocabulary",
                          last_unit_only=True)  # fmt: skip
        return (*before(config, layer), head, own)

    return build
