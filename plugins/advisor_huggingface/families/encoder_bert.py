"""BERT and the encoders of its shape: RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, ELECTRA, MPNet."""

from __future__ import annotations

from collections.abc import Callable

from advisor.operators import Elementwise, Operator
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
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, task

#: Makes what stands on top, from the configuration and the task.
Head = Callable[[Config, str], tuple[Operator, ...]]


def encoder(head: Head) -> Callable[[Config], Network]:
    """Embedding, post-norm blocks and a head."""

    def build(config: Config) -> Network:
        hidden, narrow = config.hidden, config.integer("embedding_size", config.hidden)
        sizes = (("tokens", config.integer("vocab_size")), ("positions", config.integer("max_position_embeddings")),
                 ("types", config.integer("type_vocab_size", 0, least=0)))  # fmt: skip
        first = (*tables(narrow, sizes), layer_norm("embedding_norm", narrow))
        if narrow != hidden:
            first = (*first, linear("embedding_projection", narrow, hidden))
        buckets = config.optional("relative_attention_num_buckets", 0)
        if buckets:  # biases of the scores, which all blocks share
            own = buckets * config.integer("num_attention_heads")
            first = (*first, Elementwise(name="relative_positions", elements=0, parameters_own=own))
        blocks = grouped([POST_NORM(config, index) for index in range(config.layers)], kind="encoder")
        return Network(
            layers=(end("embedding", first), *blocks, end("output", head(config, task(config)))), unit="token",
            hidden_size=hidden, blocks=config.layers, heads=config.integer("num_attention_heads"),
            vocabulary=config.integer("vocab_size"), max_context=config.integer("max_position_embeddings"),
        )  # fmt: skip

    return build


def _bert_head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    pooler = (pooled("pooler", hidden, hidden),)
    if wanted in ("MaskedLM", "PreTraining"):
        scores = masked_scores(config, hidden)
        return (*pooler, *scores, pooled("next_sentence", hidden, 2)) if wanted == "PreTraining" else scores
    if wanted == "NextSentencePrediction":
        return (*pooler, pooled("next_sentence", hidden, 2))
    return classifiers(config, wanted, pooler) or pooler


def _roberta_head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    dense = (pooled("pooler", hidden, hidden),)  # of the model, or as large a product of the classifier
    return masked_scores(config, hidden) if wanted == "MaskedLM" else classifiers(config, wanted, dense) or dense


def _distilbert_head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    if wanted == "MaskedLM":
        return masked_scores(config, hidden, second_bias=False)
    return classifiers(config, wanted, (pooled("pre_classifier", hidden, hidden),))


def _electra_head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    if wanted == "MaskedLM":
        return masked_scores(config, config.integer("embedding_size", hidden), second_bias=False)
    if wanted == "PreTraining":
        return (linear("discriminator.dense", hidden, hidden), linear("discriminator.score", hidden, 1))
    return classifiers(config, wanted, (pooled("classifier.dense", hidden, hidden),))


_BASE = {"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
         "intermediate_size": 3072, "max_position_embeddings": 512, "type_vocab_size": 2}  # fmt: skip

BERT = Family(name="bert", model_types=("bert",), defaults=_BASE, network=encoder(_bert_head))
ROBERTA = Family(name="roberta", model_types=("roberta",), defaults={**_BASE, "vocab_size": 50265},
                 network=encoder(_roberta_head))  # fmt: skip
XLM_ROBERTA = Family(name="xlm-roberta", model_types=("xlm-roberta", "camembert"), defaults=_BASE,
                     network=encoder(_roberta_head))  # fmt: skip
DISTILBERT = Family(
    name="distilbert", model_types=("distilbert",), network=encoder(_distilbert_head),
    fields={"hidden_size": "dim", "num_hidden_layers": "n_layers", "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim"},
    defaults={**_BASE, "num_hidden_layers": 6, "type_vocab_size": 0},
)  # fmt: skip
ELECTRA = Family(
    name="electra", model_types=("electra",), network=encoder(_electra_head),
    defaults={**_BASE, "embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024},
)  # fmt: skip

MPNET = Family(
    name="mpnet", model_types=("mpnet",), network=encoder(_roberta_head),
    defaults={**_BASE, "vocab_size": 30527, "type_vocab_size": 0, "relative_attention_num_buckets": 32},
)  # fmt: skip

FAMILIES = (MPNET, BERT, ROBERTA, XLM_ROBERTA, DISTILBERT, ELECTRA)
