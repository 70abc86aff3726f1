"""Decoders with layer norms and plain networks: GPT-2 to Falcon and MPT."""

from __future__ import annotations

from advisor.operators import MatMul, Operator
from advisor_huggingface.blocks.attention import attention, key_value_heads
from advisor_huggingface.blocks.ends import embedding, output
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Family, sequence


def wide(config: Config, layer: int) -> int:
    """The inner width, by default four times the hidden size."""
    return config.optional("intermediate_size") or 4 * config.hidden


def both(mixer: Block, feed_forward: Block) -> Block:
    """Layer norms with biases before each part."""
    return sequence(norm("norm1", bias=True), mixer, norm("norm2", bias=True), feed_forward)


def parallel(mixer: Block, feed_forward: Block, bias: bool = True) -> Block:
    """One layer norm before both parts, which read the same input."""
    return sequence(norm("norm", bias=bias), mixer, feed_forward)


_LAST = output(last=norm("norm", bias=True))
_POSITIONS = embedding(positions="max_position_embeddings")

GPT2 = Family(
    name="gpt2",
    model_types=("gpt2",),
    embedding=_POSITIONS,
    layer=both(attention(bias=True, rotary=False), plain_mlp(width=wide)),
    output=_LAST,
    defaults={"tie_word_embeddings": True, "n_positions": 1024},
)


def _neo_window(config: Config, layer: int) -> int | None:
    """The window of local layers: as ``attention_layers`` lists, else every second one from the second."""
    kinds = config.each_layer("attention_layers")
    types = config.raw("attention_types")
    if not kinds and isinstance(types, list):  # [[["global", "local"], 12]]: patterns and how often each comes
        kinds = [kind for entry in types if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], list)
                 for kind in entry[0] * min(config.whole("attention_types", entry[1]), 2048)]  # fmt: skip
        if len(kinds) < config.layers:
            raise config.error("attention_types", f"gives {len(kinds)} layers of {config.layers}")
    local = kinds[layer] == "local" if kinds else layer % 2 == 1
    return config.integer("window_size", 256) if local else None


GPT_NEO = Family(
    name="gpt_neo",
    model_types=("gpt_neo",),
    embedding=_POSITIONS,
    layer=both(attention(bias=False, output_bias=True, rotary=False, window=_neo_window), plain_mlp(width=wide)),
    output=_LAST,
    defaults={"tie_word_embeddings": True, "max_position_embeddings": 2048},
)
GPTJ = Family(
    name="gptj",
    model_types=("gptj",),
    layer=parallel(attention(), plain_mlp(width=wide)),
    output=output(last=norm("norm", bias=True), bias=True),
)
GPT_NEOX = Family(
    name="gpt_neox",
    model_types=("gpt_neox",),
    layer=both(attention(bias="attention_bias"), plain_mlp()),
    output=_LAST,
    defaults={"attention_bias": True},
)


def _one_kv_head(config: Config, layer: int) -> int:
    return 1 if config.flag("multi_query", True) else config.integer("num_attention_heads")


GPT_BIGCODE = Family(
    name="gpt_bigcode",
    model_types=("gpt_bigcode",),
    embedding=_POSITIONS,
    layer=both(attention(bias=True, rotary=False, kv_heads=_one_kv_head), plain_mlp(width=wide)),
    output=_LAST,
    defaults={"tie_word_embeddings": True, "n_positions": 1024},
)


def _opt_positions(config: Config, layer: int) -> int:
    return config.integer("max_position_embeddings") + 2  # two are for padding


def _opt_inner(config: Config) -> int:
    return config.integer("word_embed_proj_dim", config.hidden)


def _opt_in(config: Config, layer: int) -> tuple[Operator, ...]:
    narrow, hidden = _opt_inner(config), config.hidden
    return () if narrow == hidden else (MatMul(name="project_in", inputs=narrow, outputs=hidden, quantizable=False),)


def _opt_out(config: Config, layer: int) -> tuple[Operator, ...]:
    narrow, hidden = _opt_inner(config), config.hidden
    last = _opt_norm("norm")(config, layer) if config.flag("do_layer_norm_before", True) else ()
    if config.flag("_remove_final_layer_norm"):
        last = ()
    return last if narrow == hidden else (*last, MatMul(name="project_out", inputs=hidden, outputs=narrow,
                                                        quantizable=False))  # fmt: skip


def _opt_norm(name: str) -> Block:
    affine = "layer_norm_elementwise_affine"
    return norm(name, bias=affine, scale=affine)


OPT = Family(
    name="opt",
    model_types=("opt",),
    embedding=embedding(positions=_opt_positions, width=lambda config, layer: _opt_inner(config), then=_opt_in),
    layer=sequence(_opt_norm("norm1"), attention(bias="enable_bias", rotary=False), _opt_norm("norm2"),
                   plain_mlp(bias="enable_bias")),
    output=output(last=_opt_out, width=lambda config, layer: _opt_inner(config)),
    defaults={"tie_word_embeddings": True, "max_position_embeddings": 2048, "enable_bias": True,
              "layer_norm_elementwise_affine": True},
)  # fmt: skip
BLOOM = Family(
    name="bloom",
    model_types=("bloom",),
    embedding=embedding(then=norm("embedding_norm", bias=True)),
    layer=both(attention(bias=True, rotary=False), plain_mlp(width=wide)),
    output=_LAST,
    defaults={"tie_word_embeddings": True},
)


def _falcon_kv_heads(config: Config, layer: int) -> int:
    heads = config.integer("num_attention_heads")
    if config.flag("new_decoder_architecture"):
        return key_value_heads(config, layer)
    return 1 if config.flag("multi_query", True) else heads


def _falcon_norms(config: Config, layer: int) -> tuple[Operator, ...]:
    new, side_by_side = config.flag("new_decoder_architecture"), config.flag("parallel_attn", True)
    count = config.integer("num_ln_in_parallel_attn", 2) if new else 1 if side_by_side else 2
    return tuple(operator for index in range(count) for operator in norm(f"norm{index}", bias=True)(config, layer))


FALCON = Family(
    name="falcon",
    model_types=("falcon", "RefinedWeb", "RefinedWebModel"),
    layer=sequence(
        _falcon_norms, attention(bias="bias", kv_heads=_falcon_kv_heads), plain_mlp(width=wide, bias="bias")
    ),
    output=_LAST,
    defaults={"tie_word_embeddings": True, "max_position_embeddings": 2048},
)


def _mpt_kv_heads(config: Config, layer: int) -> int:
    return config.integer("num_attention_heads")


MPT = Family(
    name="mpt",
    model_types=("mpt",),
    layer=sequence(norm("norm1"), attention(rotary=False, kv_heads=_mpt_kv_heads), norm("norm2"),
                   plain_mlp(width=lambda config, layer: 4 * config.hidden, bias=False)),
    defaults={"tie_word_embeddings": True, "max_seq_len": 2048},
)  # fmt: skip

FAMILIES = (GPT2, GPT_NEO, GPTJ, GPT_NEOX, GPT_BIGCODE, OPT, BLOOM, FALCON, MPT)
