"""ModernBERT: gated blocks, rotary positions, and a window in two layers of three (Warner et al. 2024)."""

from __future__ import annotations

from advisor.operators import Elementwise, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.encoder import classifiers, linear, pooled, tables, token_scores
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, choose, sequence
from advisor_huggingface.network import Network, end, task


def _window(config: Config, layer: int) -> int | None:
    """Tokens that a local layer sees: half the window to each side, and the token itself."""
    every = config.integer("global_attn_every_n_layers", 3)
    local = layer_kind(config, layer) == "sliding_attention" if config.raw("layer_types") else layer % every != 0
    return config.integer("local_attention", 128) // 2 * 2 + 1 if local else None


_NORM = norm("norm", bias="norm_bias")
_BLOCK = sequence(
    choose(lambda config, layer: layer > 0, norm("attention_norm", bias="norm_bias")),  # the first has the embedding's
    attention(bias="attention_bias", causal=False, attended=_window),
    norm("mlp_norm", bias="norm_bias"),
    gated_mlp(bias="mlp_bias"),
)


def _head(config: Config, wanted: str) -> tuple[Operator, ...]:
    last = norm("final_norm", bias="norm_bias")(config, 0)
    hidden, biased = config.hidden, config.flag("classifier_bias")
    if not wanted:
        return last
    if wanted == "SequenceClassification":  # on one token of each sequence
        own = hidden * (1 + config.flag("norm_bias"))
        scale = Elementwise(name="head.norm", elements=0, parameters_own=own)
        return (*last, pooled("head.dense", hidden, hidden, bias=biased), scale, *classifiers(config, wanted, ()))
    dense = (linear("head.dense", hidden, hidden, bias=biased),
             Elementwise(name="head.activation", elements=2 * hidden, saved_elements=hidden),
             *norm("head.norm", bias="norm_bias")(config, 0))  # fmt: skip
    if wanted == "MaskedLM":
        return (*last, *dense, *token_scores(config, hidden, bias=config.flag("decoder_bias", True)))
    return (*last, *dense, *classifiers(config, wanted, ()))


def _network(config: Config) -> Network:
    hidden = config.hidden
    first = (*tables(hidden, (("tokens", config.integer("vocab_size")),)), *_NORM(config, 0))
    blocks = grouped([_BLOCK(config, index) for index in range(config.layers)], kind="encoder")
    return Network(
        layers=(end("embedding", first), *blocks, end("output", _head(config, task(config)))), unit="token",
        hidden_size=hidden, blocks=config.layers, heads=config.integer("num_attention_heads"),
        vocabulary=config.integer("vocab_size"), max_context=config.integer("max_position_embeddings"),
    )  # fmt: skip


MODERNBERT = Family(
    name="modernbert", model_types=("modernbert",), network=_network,
    defaults={"vocab_size": 50368, "hidden_size": 768, "intermediate_size": 1152, "num_hidden_layers": 22,
              "num_attention_heads": 12, "max_position_embeddings": 8192},
)  # fmt: skip
FAMILIES = (MODERNBERT,)
