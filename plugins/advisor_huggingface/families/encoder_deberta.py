"""DeBERTa v2 and v3: attention to content and to relative positions apart (He et al. 2020)."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Convolution, Elementwise, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.encoder import classifiers, layer_norm, linear, masked_scores, pooled, tables
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, sequence
from advisor_huggingface.network import Network, end, task
from advisor_huggingface.samples import FixedKeysAttention, TableMatMul

_MIXER = attention(bias=True, causal=False, rotary=False)
_REST = sequence(norm("attention_norm", bias=True), plain_mlp(), norm("output_norm", bias=True))


def _kinds(config: Config) -> list[str]:
    """The pairs attended to: content to position, position to content."""
    given = config.raw("pos_att_type")
    kinds = given.lower().split("|") if isinstance(given, str) else given or []
    return [kind.strip() for kind in kinds if isinstance(kind, str) and kind.strip() in ("c2p", "p2c")]


def _span(config: Config) -> int:
    """Half the rows of the table of relative positions."""
    for field in ("position_buckets", "max_relative_positions"):
        value = config.raw(field)
        if isinstance(value, int) and value > 0:
            return config.whole(field, value)
    return config.integer("max_position_embeddings")


def _relative(config: Config) -> tuple[Operator, ...]:
    """Scores against the table of relative positions, and the products that make its keys and queries."""
    kinds = _kinds(config)
    if not config.flag("relative_attention") or not kinds:
        return ()
    hidden, heads = config.hidden, config.integer("num_attention_heads")
    rows, tied = 2 * _span(config), config.flag("share_att_key")
    width = config.divided("hidden_size", "num_attention_heads")
    products = ("p2c", "c2p") if tied else kinds  # shared products make both, whichever are used
    return (
        *(TableMatMul(name=f"position_{kind}", rows=rows, inputs=hidden, outputs=hidden, bias=True, tied=tied,
                      split="columns") for kind in products),
        FixedKeysAttention(name="position_scores", heads=heads, kv_heads=heads, keys=rows,
                           key_width=width if "c2p" in kinds else 0, value_width=width if "p2c" in kinds else 0),
    )  # fmt: skip


def _block(config: Config) -> tuple[Operator, ...]:
    return (*_MIXER(config, 0), *_relative(config), *_REST(config, 0))


def _tables(config: Config) -> tuple[Operator, ...]:
    """The table of relative positions and its norm, shared by all blocks; they do not grow with the tokens."""
    if not config.flag("relative_attention"):
        return ()
    own = 2 * _span(config) * config.hidden
    if "layer_norm" in config.text("norm_rel_ebd", "none").lower():
        own += 2 * config.hidden
    return (Elementwise(name="relative_positions", elements=0, parameters_own=own),)


def _convolution(config: Config) -> tuple[Operator, ...]:
    """A convolution over neighbouring tokens beside the first block."""
    taps, groups, hidden = config.integer("conv_kernel_size", 0, 0), config.integer("conv_groups", 1), config.hidden
    if not taps:
        return ()
    if hidden % groups:
        raise config.error("hidden_size", f"{hidden} is not divisible by conv_groups {groups}")
    product = Convolution(name="convolution", inputs=taps * hidden, outputs=hidden, groups=groups, bias=True,
                          input_elements=hidden, saved_elements=hidden)  # fmt: skip
    return (product, layer_norm("convolution_norm", hidden))


def _head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    if wanted == "MaskedLM":
        width = config.integer("embedding_size", hidden) if config.flag("legacy", True) else hidden
        return masked_scores(config, width)
    return classifiers(config, wanted, (pooled("pooler", hidden, config.integer("pooler_hidden_size", hidden)),))


def _network(config: Config) -> Network:
    hidden, narrow = config.hidden, config.integer("embedding_size", config.hidden)
    positions = config.integer("max_position_embeddings")
    sizes = (("tokens", config.integer("vocab_size")),
             ("positions", positions if config.flag("position_biased_input", True) else 0),
             ("types", config.integer("type_vocab_size", 0, least=0)))  # fmt: skip
    first = tables(narrow, sizes)
    if narrow != hidden:
        first = (*first, linear("embedding_projection", narrow, hidden, bias=False))
    first = (*first, layer_norm("embedding_norm", hidden), *_tables(config), *_convolution(config))
    blocks = Layer(name=f"layers.0-{config.layers - 1}", kind="encoder", operators=_block(config), count=config.layers)
    return Network(
        layers=(end("embedding", first), blocks, end("output", _head(config, task(config)))), unit="token",
        hidden_size=hidden, blocks=config.layers, heads=config.integer("num_attention_heads"),
        vocabulary=config.integer("vocab_size"), max_context=positions,
    )  # fmt: skip


DEBERTA_V2 = Family(
    name="deberta-v2", model_types=("deberta-v2",), network=_network,
    defaults={"vocab_size": 128100, "hidden_size": 1536, "num_hidden_layers": 24, "num_attention_heads": 24,
              "intermediate_size": 6144, "max_position_embeddings": 512, "type_vocab_size": 0},
)  # fmt: skip
FAMILIES = (DEBERTA_V2,)
