"""ALBERT: one group of blocks used over and over (Lan et al. 2019)."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.encoder import (
    POST_NORM,
    classifiers,
    layer_norm,
    linear,
    masked_scores,
    pooled,
    tables,
)
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, task
from advisor_huggingface.samples import shared


def _blocks(config: Config) -> list[Layer]:
    """Layers of each group in turn; the first use of a group holds its weights."""
    groups, inner = config.integer("num_hidden_groups", 1), config.integer("inner_group_num", 1)
    if inner * config.layers > MOST_LAYERS:
        raise config.error("inner_group_num", f"makes {inner * config.layers} blocks, more than {MOST_LAYERS}")
    made: list[tuple[Operator, ...]] = []
    used: set[int] = set()
    for index in range(config.layers):
        group = int(index / (config.layers / groups))
        operators = POST_NORM(config, index)
        made += [shared(operators) if group in used else operators] * inner
        used.add(group)
    return grouped(made, kind="encoder")


def _head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    pooler = (pooled("pooler", hidden, hidden),)
    if wanted in ("MaskedLM", "PreTraining"):
        scores = masked_scores(config, config.integer("embedding_size"))
        return (*pooler, *scores, pooled("sentence_order", hidden, 2)) if wanted == "PreTraining" else scores
    return classifiers(config, wanted, pooler) or pooler


def _network(config: Config) -> Network:
    hidden, narrow = config.hidden, config.integer("embedding_size")
    vocabulary, positions = config.integer("vocab_size"), config.integer("max_position_embeddings")
    sizes = (("tokens", vocabulary), ("positions", positions), ("types", config.integer("type_vocab_size", least=0)))
    first = (*tables(narrow, sizes), layer_norm("embedding_norm", narrow),
             linear("embedding_projection", narrow, hidden))  # fmt: skip
    return Network(
        layers=(end("embedding", first), *_blocks(config), end("output", _head(config, task(config)))), unit="token",
        hidden_size=hidden, blocks=config.layers, heads=config.integer("num_attention_heads"), vocabulary=vocabulary,
        max_context=positions,
    )  # fmt: skip


ALBERT = Family(
    name="albert", model_types=("albert",), network=_network,
    defaults={"vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096, "num_hidden_layers": 12,
              "num_attention_heads": 64, "intermediate_size": 16384, "max_position_embeddings": 512,
              "type_vocab_size": 2},
)  # fmt: skip
FAMILIES = (ALBERT,)
