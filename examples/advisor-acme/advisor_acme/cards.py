"""The reader: Acme's model cards, small JSON files that describe a decoder by its sizes.

::

    {"acme_card": 1, "name": "tiny-chat", "width": 2048, "blocks": 24, "heads": 16, "vocabulary": 32000}
"""

from __future__ import annotations

from datetime import date

from advisor import Layer, Model, ModelEntry, ModelFileError, ModelReader, ModelSource, Source
from advisor.operators import Attention, Elementwise, Embedding, MatMul

#: Field to the largest value believed.
SIZES = {"width": 1 << 17, "blocks": 1 << 12, "heads": 1 << 10, "vocabulary": 1 << 22}
FICTION = Source(title="Fictional model, invented for the advisor-acme example", date=date(2026, 1, 1))


class CardReader(ModelReader):
    """Reads a card. It knows one by its content, whatever the file is called."""

    name = "acme_card"
    doc = "Acme model cards (JSON)"

    def claims(self, source: ModelSource) -> bool:
        """A JSON object with ``acme_card``."""
        return source.document is not None and "acme_card" in source.document

    def read(self, source: ModelSource) -> Model:
        """Check every size before it is believed, then build the layers."""
        card = source.document or {}
        if card.get("acme_card") != 1:
            raise ModelFileError(f"{source.name}: acme_card: expected version 1, not {card.get('acme_card')!r}")
        sizes = {}
        for field, most in SIZES.items():
            size = card.get(field)
            if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= most:
                raise ModelFileError(f"{source.name}: {field}: expected a whole number from 1 to {most}")
            sizes[field] = size
        if sizes["width"] % sizes["heads"]:
            raise ModelFileError(f"{source.name}: width: expected a multiple of heads ({sizes['heads']})")
        name = card.get("name")
        return build(name if isinstance(name, str) and name else source.name, **sizes)


def build(name: str, width: int, blocks: int, heads: int, vocabulary: int) -> Model:
    """A decoder with full attention and a four times wider inner layer."""
    head = width // heads
    block = (
        Elementwise(name="norm", elements=2 * width, parameters_own=2 * width, saved_elements=width),
        MatMul(name="qkv", inputs=width, outputs=3 * width, split="columns", saved_elements=width),
        Attention(name="attention", heads=heads, kv_heads=heads, key_width=head, value_width=head,
                  saved_elements=3 * width),
        MatMul(name="out", inputs=width, outputs=width, split="rows", saved_elements=width),
        MatMul(name="up", inputs=width, outputs=4 * width, split="columns", saved_elements=width),
        MatMul(name="down", inputs=4 * width, outputs=width, split="rows", saved_elements=4 * width),
    )  # fmt: skip
    logits = MatMul(name="logits", inputs=width, outputs=vocabulary, tied=True, quantizable=False, last_unit_only=True)
    return Model(
        name=name, family="acme", unit="token", generates=True, hidden_size=width, blocks=blocks,
        vocabulary=vocabulary, max_context=4096, tensor_parallel_limit=heads,
        layers=(
            Layer(name="embed", kind="embedding", operators=(Embedding(name="embed", rows=vocabulary, width=width),)),
            Layer(name="block", kind="decoder", operators=block, count=blocks),
            Layer(name="head", kind="head", operators=(logits,)),
        ),
    )  # fmt: skip


def tiny_chat() -> ModelEntry:
    """A model that can be ranked by name: ``advisor rank acme/tiny-chat``."""
    card = {"acme_card": 1, "name": "tiny-chat", "width": 2048, "blocks": 24, "heads": 16, "vocabulary": 32000}
    return ModelEntry("acme/tiny-chat", card, aliases=("tiny-chat",), sources={"card": FICTION})
