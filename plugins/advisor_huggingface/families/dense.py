"""Dense decoders with rotary positions and gated networks: OLMo, Granite, GLM, ERNIE, Hunyuan and others."""

from __future__ import annotations

from advisor.operators import Elementwise, Operator
from advisor_huggingface.blocks.attention import attention, layer_kind, typed_window
from advisor_huggingface.blocks.ends import output
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.gemma import pattern_window
from advisor_huggingface.families.llama import LLAMA, whole_window
from advisor_huggingface.families.llama4 import has_rotary
from advisor_huggingface.family import Block, Family, sequence


def prenorm(mixer: Block, feed_forward: Block, *, bias: bool = False, scale: bool = True) -> Block:
    """A norm before each part."""
    return sequence(norm("input_norm", bias=bias, scale=scale), mixer,
                    norm("post_attention_norm", bias=bias, scale=scale), feed_forward)  # fmt: skip


def postnorm(mixer: Block, feed_forward: Block) -> Block:
    """A norm after each part alone, as OLMo 2 has it."""
    return sequence(mixer, norm("post_attention_norm"), feed_forward, norm("post_feedforward_norm"))


OLMO = Family(
    name="olmo",
    model_types=("olmo",),
    layer=prenorm(attention(bias="attention_bias"), gated_mlp(), scale=False),
    output=output(last=norm("norm", scale=False)),
)
OLMO2 = Family(
    name="olmo2", model_types=("olmo2",), layer=postnorm(attention(bias="attention_bias", qk_norm="width"), gated_mlp())
)
OLMO3 = Family(
    name="olmo3",
    model_types=("olmo3",),
    layer=postnorm(attention(bias="attention_bias", qk_norm="width", window=pattern_window(4)), gated_mlp()),
    defaults={"sliding_window": 4096},
)
GRANITE = Family(name="granite", model_types=("granite",), layer=LLAMA.layer)
GLM = Family(
    name="glm",
    model_types=("glm",),
    layer=prenorm(attention(bias="attention_bias", output_bias=False), gated_mlp()),
    defaults={"attention_bias": True, "num_key_value_heads": 2, "head_dim": 128},
)
GLM4 = Family(
    name="glm4",
    model_types=("glm4",),
    layer=sequence(
        norm("input_norm"),
        attention(bias="attention_bias", output_bias=False),
        norm("post_self_attn_norm"),
        norm("post_attention_norm"),
        gated_mlp(),
        norm("post_mlp_norm"),
    ),
    defaults={"attention_bias": True, "num_key_value_heads": 2, "head_dim": 128},
)
ERNIE = Family(
    name="ernie4_5",
    model_types=("ernie4_5",),
    layer=prenorm(attention(bias="use_bias"), gated_mlp(bias="use_bias")),
    defaults={"tie_word_embeddings": True, "head_dim": 128, "num_key_value_heads": 2},
)
HUNYUAN = Family(
    name="hunyuan_v1_dense",
    model_types=("hunyuan_v1_dense",),
    layer=prenorm(attention(bias="attention_bias", qk_norm="head"), gated_mlp()),
)


def _exaone_window(config: Config, layer: int) -> int | None:
    """The window of the layers that ``layer_types`` or the pattern (``LLLG`` or a number) calls local."""
    kind = layer_kind(config, layer)
    if kind:
        return config.optional("sliding_window") if "sliding" in kind else None
    pattern = config.raw("sliding_window_pattern")
    if pattern is None or config.raw("sliding_window") is None:
        return None
    if isinstance(pattern, str):
        slides = bool(pattern) and pattern[layer % len(pattern)] == "L"
    else:
        slides = (layer + 1) % config.integer("sliding_window_pattern") != 0
    return config.optional("sliding_window") if slides and layer != config.layers - 1 else None


EXAONE4 = Family(
    name="exaone4",
    model_types=("exaone4",),
    layer=postnorm(attention(qk_norm="head", window=_exaone_window), gated_mlp()),
    defaults={"sliding_window": 4096, "sliding_window_pattern": 4},
)
SMOLLM3 = Family(
    name="smollm3",
    model_types=("smollm3",),
    layer=prenorm(
        attention(bias="attention_bias", rotary=has_rotary, window=typed_window), gated_mlp(bias="mlp_bias")
    ),
    defaults={"num_key_value_heads": 4, "tie_word_embeddings": True},
)
SEED_OSS = Family(
    name="seed_oss",
    model_types=("seed_oss",),
    layer=prenorm(attention(bias="attention_bias", output_bias="attention_out_bias"), gated_mlp(bias="mlp_bias")),
    defaults={"num_key_value_heads": 8, "head_dim": 128, "attention_bias": True},
)
ARCEE = Family(
    name="arcee",
    model_types=("arcee",),
    layer=prenorm(attention(bias="attention_bias"), plain_mlp(bias="mlp_bias")),
)
NEMOTRON = Family(
    name="nemotron",
    model_types=("nemotron",),
    layer=prenorm(attention(bias="attention_bias"), plain_mlp(bias="mlp_bias"), bias=True),
    output=output(last=norm("norm", bias=True)),
)


def _activation_own(config: Config, layer: int) -> tuple[Operator, ...]:
    # xIELU has two learned values a layer
    return (Elementwise(name="xielu", elements=0, parameters_own=2),)


APERTUS = Family(
    name="apertus",
    model_types=("apertus",),
    layer=sequence(
        prenorm(attention(bias="attention_bias", qk_norm="head"), plain_mlp(bias=False)), _activation_own
    ),
)


def _ministral_window(config: Config, layer: int) -> int | None:
    return typed_window(config, layer) if config.raw("layer_types") is not None else whole_window(config, layer)


MINISTRAL = Family(
    name="ministral",
    model_types=("ministral",),
    layer=prenorm(attention(window=_ministral_window), gated_mlp()),
    defaults={"num_key_value_heads": 8, "sliding_window": 4096},
)
MINISTRAL3 = Family(
    name="ministral3",
    model_types=("ministral3",),
    layer=prenorm(attention(window=whole_window), gated_mlp()),
    defaults={"num_key_value_heads": 8, "head_dim": 128},
)

FAMILIES = (OLMO, OLMO2, OLMO3, GRANITE, GLM, GLM4, ERNIE, HUNYUAN, EXAONE4, SMOLLM3, SEED_OSS, ARCEE, NEMOTRON,
            APERTUS, MINISTRAL, MINISTRAL3)  # fmt: skip
