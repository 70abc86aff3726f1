"""BART and the encoder-decoders of its shape: mBART, Pegasus, Marian, M2M-100 and NLLB (Lewis et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from advisor.models import Layer
from advisor.operators import Elementwise, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.encoder import layer_norm, tables
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.blocks.seq2seq import NOTE, cross_attention, cross_layer, look_up, scores
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, task


@dataclass(frozen=True)
class Style:
    """What sets them apart: norms after the embeddings and the last block, and the table of positions."""

    embedding_norm: bool
    last_norm: bool
    extra_positions: int = 0
    stored_positions: bool = True


def _layers(config: Config, side: str) -> int:
    count = config.integer(f"{side}_layers")
    if count > MOST_LAYERS:
        raise config.error(f"{side}_layers", f"must be from 1 to {MOST_LAYERS}, not {count}")
    return count


def _heads(config: Config, side: str) -> tuple[int, int]:
    """Heads and the width of each."""
    heads = config.integer(f"{side}_attention_heads")
    return heads, config.divided("hidden_size", f"{side}_attention_heads")


def _self(config: Config, side: str) -> tuple[Operator, ...]:
    heads, width = _heads(config, side)
    causal = side == "decoder"
    return attention(heads=heads, kv_heads=heads, width=width, bias=True, rotary=False, causal=causal)(config, 0)


def _side(config: Config, side: str) -> list[Layer]:
    """Blocks of one side; whether norms come before or after the parts changes nothing that is counted."""
    cross: tuple[Operator, ...] = ()
    if side == "decoder":
        cross = (*cross_attention(config.hidden, *_heads(config, side), bias=True)[0],
                 *norm("cross_norm", bias=True)(config, 0))  # fmt: skip
    block = (*_self(config, side), *norm("attention_norm", bias=True)(config, 0), *cross,
             *plain_mlp(width=f"{side}_ffn_dim")(config, 0), *norm("output_norm", bias=True)(config, 0))  # fmt: skip
    stack, prefix = ("main", "layers") if side == "decoder" else ("encoder", "encoder.layers")
    return grouped([block] * _layers(config, side), stack, prefix, side)


def _ends(config: Config, style: Style) -> tuple[tuple[Operator, ...], tuple[Operator, ...]]:
    """The position table with its norm, and the last norm, of either side."""
    hidden = config.hidden
    positions = config.integer("max_position_embeddings") + style.extra_positions if style.stored_positions else 0
    first = tables(hidden, (("positions", positions),))
    if style.embedding_norm:
        first = (*first, layer_norm("embedding_norm", hidden))
    return first, norm("norm", bias=True)(config, 0) if style.last_norm else ()


def encoder_decoder(style: Style) -> Callable[[Config], Network]:
    """Both sides with a shared table, and the logits."""

    def build(config: Config) -> Network:
        hidden, source = config.hidden, config.integer("vocab_size")
        target = config.integer("decoder_vocab_size", source)
        tied = config.flag("tie_word_embeddings", True)
        shares = config.flag("share_encoder_decoder_embeddings", True)
        positions, last = _ends(config, style)
        looked = (look_up(hidden),) if shares and tied else tables(hidden, (("tokens", source),))
        if shares and not tied:  # the shared table is still there beside one of each side, unused
            unused = Elementwise(name="shared", elements=0, parameters_own=source * hidden)
            looked = (*looked, unused)
        head: tuple[Operator, ...] = (scores(hidden, target, tied),)
        if task(config, "ConditionalGeneration") != "ConditionalGeneration" and "MTModel" not in str(
            config.raw("architectures")
        ):
            head = ()
        cross = cross_attention(hidden, *_heads(config, "decoder"), bias=True)[1]
        return Network(
            layers=(
                end("embedding", (*tables(hidden, (("tokens", target),)), *positions)),
                *_side(config, "decoder"),
                end("output", (*last, *head)),
                end("embedding", (*looked, *positions), "encoder", "encoder."),
                *_side(config, "encoder"),
                end("output", last, "encoder", "encoder."),
                cross_layer(cross, _layers(config, "decoder")),
            ),
            unit="token", generates=True, hidden_size=hidden, blocks=_layers(config, "decoder"), notes=(NOTE,),
            heads=_heads(config, "decoder")[0], vocabulary=target,
            max_context=config.integer("max_position_embeddings"),
        )  # fmt: skip

    return build


_FIELDS = {"hidden_size": "d_model"}
_BASE = {"hidden_size": 1024, "vocab_size": 50265, "max_position_embeddings": 1024, "tie_word_embeddings": True,
         **{f"{side}_{name}": value for side in ("encoder", "decoder")
            for name, value in (("layers", 12), ("ffn_dim", 4096), ("attention_heads", 16))}}  # fmt: skip

BART = Family(name="bart", model_types=("bart",), fields=_FIELDS, defaults=_BASE,
              network=encoder_decoder(Style(True, False, extra_positions=2)))  # fmt: skip
MBART = Family(name="mbart", model_types=("mbart",), fields=_FIELDS, defaults=_BASE,
               network=encoder_decoder(Style(True, True, extra_positions=2)))  # fmt: skip
PEGASUS = Family(name="pegasus", model_types=("pegasus",), fields=_FIELDS, defaults=_BASE,
                 network=encoder_decoder(Style(False, True)))  # fmt: skip
MARIAN = Family(name="marian", model_types=("marian",), fields=_FIELDS, defaults={**_BASE, "vocab_size": 58101},
                network=encoder_decoder(Style(False, False)))  # fmt: skip
M2M_100 = Family(name="m2m_100", model_types=("m2m_100",), fields=_FIELDS, defaults={**_BASE, "vocab_size": 128112},
                 network=encoder_decoder(Style(False, True, stored_positions=False)))  # fmt: skip
FAMILIES = (M2M_100, BART, MBART, PEGASUS, MARIAN)
