"""T5 and mT5: relative position biases in the first layer, RMS norms, no biases (Raffel et al. 2019)."""

from __future__ import annotations

from advisor.operators import Attention, Operator
from advisor.records import replace
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.encoder import tables
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.blocks.seq2seq import NOTE, cross_attention, cross_layer, look_up, scores
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family, choose
from advisor_huggingface.network import Network, end, task


def _gated(config: Config, layer: int) -> bool:
    return config.text("feed_forward_proj", "relu").startswith("gated")


_FEED_FORWARD = choose(_gated, gated_mlp(), plain_mlp(bias=False))
_SELF = {causal: attention(width="head_dim", kv_heads="num_attention_heads", rotary=False, causal=causal)
         for causal in (False, True)}  # fmt: skip


def _attention(config: Config, layer: int, causal: bool) -> tuple[Operator, ...]:
    """Self-attention; the first layer holds the biases of the relative positions."""
    own = config.integer("relative_attention_num_buckets", 32) * config.integer("num_attention_heads")
    made = _SELF[causal](config, layer)
    return tuple(replace(op, parameters_own=own) if layer == 0 and isinstance(op, Attention) else op for op in made)


def _network(config: Config) -> Network:
    hidden, heads, vocabulary = config.hidden, config.integer("num_attention_heads"), config.integer("vocab_size")
    decoders = config.integer("num_decoder_layers", config.layers)
    if decoders > MOST_LAYERS:
        raise config.error("num_decoder_layers", f"must be from 1 to {MOST_LAYERS}, not {decoders}")
    encoder = grouped([(*norm("norm1")(config, index), *_attention(config, index, False), *norm("norm2")(config, index),
                        *_FEED_FORWARD(config, index)) for index in range(config.layers)],
                      "encoder", "encoder.layers", "encoder")  # fmt: skip
    last = norm("norm")(config, 0)
    stack = (end("embedding", (look_up(hidden),), "encoder", "encoder."), *encoder,
             end("output", last, "encoder", "encoder."))  # fmt: skip
    first = end("embedding", tables(hidden, (("tokens", vocabulary),)))
    if task(config, "ConditionalGeneration") == "" and "EncoderModel" in str(config.raw("architectures")):
        layers = (first, *(replace(layer, stack="main") for layer in stack[1:]))
        return Network(layers=layers, unit="token", hidden_size=hidden, blocks=config.layers, heads=heads,
                       vocabulary=vocabulary)  # fmt: skip
    cross, keys_values = cross_attention(hidden, heads, config.integer("head_dim"), bias=False)
    decoder = grouped([(*norm("norm1")(config, index), *_attention(config, index, True), *norm("norm2")(config, index),
                        *cross, *norm("norm3")(config, index), *_FEED_FORWARD(config, index))
                       for index in range(decoders)])  # fmt: skip
    head: tuple[Operator, ...] = (scores(hidden, vocabulary, config.flag("tie_word_embeddings", True)),)
    if task(config, "ConditionalGeneration") != "ConditionalGeneration":
        head = ()
    return Network(
        layers=(first, *decoder, end("output", (*last, *head)), *stack, cross_layer(keys_values, decoders)),
        unit="token", generates=True, hidden_size=hidden, blocks=decoders, heads=heads, vocabulary=vocabulary,
        notes=(NOTE,),
    )  # fmt: skip


_FIELDS = {"hidden_size": "d_model", "num_hidden_layers": "num_layers", "num_attention_heads": "num_heads",
           "head_dim": "d_kv", "intermediate_size": "d_ff"}  # fmt: skip
_BASE = {"hidden_size": 512, "head_dim": 64, "tie_word_embeddings": True}
T5 = Family(name="t5", model_types=("t5",), fields=_FIELDS, network=_network,
            defaults={**_BASE, "vocab_size": 32128, "intermediate_size": 2048, "num_hidden_layers": 6,
                      "num_attention_heads": 8})  # fmt: skip
MT5 = Family(name="mt5", model_types=("mt5",), fields=_FIELDS, network=_network,
             defaults={**_BASE, "vocab_size": 250112, "intermediate_size": 1024, "num_hidden_layers": 8,
                       "num_attention_heads": 6, "feed_forward_proj": "gated-gelu"})  # fmt: skip
FAMILIES = (T5, MT5)
