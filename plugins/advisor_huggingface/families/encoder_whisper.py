"""Whisper: an encoder over 30 seconds of audio, a decoder of text (Radford et al. 2022)."""

from __future__ import annotations

from advisor.operators import Convolution, Elementwise, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.encoder import layer_norm, tables
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.blocks.seq2seq import NOTE, cross_attention, cross_layer, scores, without_key_bias
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, task

_STRIDE = 2  # frames a position of the encoder


def _self(config: Config, side: str) -> tuple[Operator, ...]:
    heads = config.integer(f"{side}_attention_heads")
    width = config.divided("hidden_size", f"{side}_attention_heads")
    made = attention(heads=heads, kv_heads=heads, width=width, bias=False, output_bias=True, rotary=False,
                     causal=side == "decoder")(config, 0)  # fmt: skip
    return without_key_bias(made)


def _block(config: Config, side: str, cross: tuple[Operator, ...] = ()) -> tuple[Operator, ...]:
    if cross:
        cross = (*norm("cross_norm", bias=True)(config, 0), *cross)
    return (*norm("norm1", bias=True)(config, 0), *_self(config, side), *cross, *norm("norm2", bias=True)(config, 0),
            *plain_mlp(width=f"{side}_ffn_dim")(config, 0))  # fmt: skip


def _frames(config: Config) -> tuple[Operator, ...]:
    """Two convolutions over mel frames, the second of stride two; a unit is a position after it."""
    hidden, bins, positions = config.hidden, config.integer("num_mel_bins"), config.integer("max_source_positions")
    return (
        Convolution(name="convolution1", inputs=3 * bins, outputs=hidden, bias=True, positions=_STRIDE,
                    input_elements=_STRIDE * bins, quantizable=False, saved_elements=_STRIDE * bins),
        Convolution(name="convolution2", inputs=3 * hidden, outputs=hidden, bias=True, quantizable=False,
                    input_elements=_STRIDE * hidden, saved_elements=_STRIDE * hidden),
        Elementwise(name="positions", elements=3 * hidden, parameters_own=positions * hidden),
    )  # fmt: skip


def _network(config: Config) -> Network:
    hidden, vocabulary = config.hidden, config.integer("vocab_size")
    encoders, decoders = config.integer("encoder_layers"), config.integer("decoder_layers")
    if max(encoders, decoders) > MOST_LAYERS:
        raise config.error("encoder_layers", f"and decoder_layers must be at most {MOST_LAYERS}")
    heads = config.integer("decoder_attention_heads")
    cross, keys_values = cross_attention(
        hidden, heads, config.divided("hidden_size", "decoder_attention_heads"), bias=True, key_bias=False,
        keys=config.integer("max_source_positions"),
    )  # fmt: skip
    last, tied = (layer_norm("norm", hidden),), config.flag("tie_word_embeddings", True)
    generates = task(config, "ConditionalGeneration") == "ConditionalGeneration"
    head = (scores(hidden, vocabulary, tied),) if generates else ()
    sizes = (("tokens", vocabulary), ("positions", config.integer("max_target_positions")))
    return Network(
        layers=(
            end("embedding", tables(hidden, sizes)),
            *grouped([_block(config, "decoder", cross)] * decoders),
            end("output", (*last, *head)),
            end("embedding", _frames(config), "encoder", "encoder."),
            *grouped([_block(config, "encoder")] * encoders, "encoder", "encoder.layers", "encoder"),
            end("output", last, "encoder", "encoder."),
            cross_layer(keys_values, decoders),
        ),
        unit="token", generates=True, hidden_size=hidden, blocks=decoders, heads=heads, vocabulary=vocabulary,
        max_context=config.integer("max_target_positions"), notes=(NOTE,),
        attributes={"encoder_positions": config.integer("max_source_positions")},
    )  # fmt: skip


WHISPER = Family(
    name="whisper", model_types=("whisper",), fields={"hidden_size": "d_model"}, network=_network,
    defaults={"vocab_size": 51865, "num_mel_bins": 80, "hidden_size": 384, "max_source_positions": 1500,
              "max_target_positions": 448, "tie_word_embeddings": True,
              **{f"{side}_{name}": value for side in ("encoder", "decoder")
                 for name, value in (("layers", 4), ("attention_heads", 6), ("ffn_dim", 1536))}},
)  # fmt: skip
FAMILIES = (WHISPER,)
