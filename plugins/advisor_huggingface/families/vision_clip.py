"""CLIP and SigLIP: an image tower and a text tower that meet in one space (Radford et al. 2021, Zhai et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from advisor.models import Layer
from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor_huggingface.blocks.convolution import image
from advisor_huggingface.blocks.encoder import layer_norm, linear
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.patches import embedded, grid, transformer
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end
from advisor_huggingface.samples import FixedKeysAttention, per_sample

_TOWER = {"num_hidden_layers": 12, "qkv_bias": True}
CLIP_VISION = {**_TOWER, "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "patch_size": 32}
CLIP_TEXT = {**_TOWER, "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "vocab_size": 49408,
             "max_position_embeddings": 77}  # fmt: skip
SIGLIP_VISION = {**CLIP_VISION, "patch_size": 16, "vision_use_head": True}
SIGLIP_TEXT = {**CLIP_VISION, "vocab_size": 32000, "max_position_embeddings": 64}

#: Makes the layers of a tower from its part of the configuration, with the width of the shared space.
Make = Callable[[Config, int], list[Layer]]


def _clip_image(config: Config, space: int) -> list[Layer]:
    hidden, positions = config.hidden, grid(config).positions + 1
    first = (*embedded(config, 1, bias=False), *per_sample((layer_norm("pre_norm", hidden),), positions))
    last = (layer_norm("post_norm", hidden), *((linear("projection", hidden, space, bias=False),) if space else ()))
    return [end("embedding", first, prefix="vision."), *transformer(config, positions, prefix="vision.layers"),
            end("output", last, prefix="vision.")]  # fmt: skip


def _words(config: Config) -> tuple[int, tuple[Operator, ...]]:
    """Text of the full length, to which both models pad; its embedding."""
    hidden, tokens = config.hidden, config.integer("max_position_embeddings")
    return tokens, (
        Embedding(name="embed_tokens", rows=config.integer("vocab_size"), width=hidden, positions=tokens),
        Elementwise(name="positions", elements=3 * tokens * hidden, parameters_own=tokens * hidden),
    )


def _clip_text(config: Config, space: int) -> list[Layer]:
    tokens, first = _words(config)
    last = (*per_sample((layer_norm("norm", config.hidden),), tokens),
            *((linear("projection", config.hidden, space, bias=False),) if space else ()))  # fmt: skip
    return [end("embedding", first, prefix="text."), *transformer(config, tokens, prefix="text.layers"),
            end("output", last, prefix="text.")]  # fmt: skip


def _pooling(config: Config, patches: int) -> tuple[Operator, ...]:
    """Attention of one learned probe over the patches, and a plain network on what it gathers."""
    hidden, heads = config.hidden, config.integer("num_attention_heads")
    width = config.divided("hidden_size", "num_attention_heads")
    return (
        Elementwise(name="head.probe", elements=2 * hidden, parameters_own=hidden),
        linear("head.q", hidden, hidden),
        MatMul(name="head.kv", inputs=hidden, outputs=2 * hidden, bias=True, positions=patches, quantizable=False,
               saved_elements=patches * hidden),
        FixedKeysAttention(name="head.attention", heads=heads, kv_heads=heads, key_width=width, value_width=width,
                           keys=patches),
        linear("head.o", hidden, hidden),
        layer_norm("head.norm", hidden),
        *plain_mlp(prefix="head.")(config, 0),
    )  # fmt: skip


def _siglip_image(config: Config, space: int) -> list[Layer]:
    patches = grid(config).positions
    last = per_sample((layer_norm("post_norm", config.hidden),), patches)
    if config.flag("vision_use_head", True):
        last = (*last, *_pooling(config, patches))
    return [
        end("embedding", embedded(config, 0), prefix="vision."),
        *transformer(config, patches, prefix="vision.layers"),
        end("output", last, prefix="vision."),
    ]


def _siglip_text(config: Config, space: int) -> list[Layer]:
    tokens, first = _words(config)
    last = (*per_sample((layer_norm("norm", config.hidden),), tokens),
            linear("head", config.hidden, config.integer("projection_size", config.hidden)))  # fmt: skip
    return [end("embedding", first, prefix="text."), *transformer(config, tokens, prefix="text.layers"),
            end("output", last, prefix="text.")]  # fmt: skip


def _network(config: Config, layers: list[Layer], pixels: int, notes: tuple[str, ...] = ()) -> Network:
    return Network(layers=tuple(layers), unit="sample", hidden_size=config.hidden, blocks=config.layers,
                   heads=config.integer("num_attention_heads"), sample_elements=pixels, notes=notes)  # fmt: skip


def _pair(
    see: Make, read: Make, vision: dict[str, Any], text: dict[str, Any], own: int, space: int
) -> Callable[[Config], Network]:
    """Both towers; ``own`` learned scales of the comparison, ``space`` the default width of the shared space."""

    def build(config: Config) -> Network:
        seen, words = (config.nested(field, defaults=defaults) if config.raw(field) is not None
                       else Config({}, config.origin, defaults=defaults, prefix=f"{field}.")
                       for field, defaults in (("vision_config", vision), ("text_config", text)))  # fmt: skip
        width = config.integer("projection_dim", space) if space else 0
        compare = end("comparison", (Elementwise(name="comparison", elements=2 * seen.hidden, parameters_own=own),))
        note = "a sample is an image and a text of the full length: both towers run"
        return _network(seen, [*see(seen, width), *read(words, width), compare], image(seen).elements, (note,))

    return build


def _alone(make: Make, text: bool = False) -> Callable[[Config], Network]:
    def build(config: Config) -> Network:
        elements = config.integer("max_position_embeddings") if text else image(config).elements
        return _network(config, make(config, 0), elements)

    return build


FAMILIES = (
    Family(name="clip", model_types=("clip",), network=_pair(_clip_image, _clip_text, CLIP_VISION, CLIP_TEXT, 1, 512)),
    Family(name="siglip", model_types=("siglip",),
           network=_pair(_siglip_image, _siglip_text, SIGLIP_VISION, SIGLIP_TEXT, 2, 0)),
    Family(name="clip", model_types=("clip_vision_model",), defaults=CLIP_VISION, network=_alone(_clip_image)),
    Family(name="clip", model_types=("clip_text_model",), defaults=CLIP_TEXT, network=_alone(_clip_text, text=True)),
    Family(name="siglip", model_types=("siglip_vision_model",), defaults=SIGLIP_VISION, network=_alone(_siglip_image)),
    Family(name="siglip", model_types=("siglip_text_model",), defaults=SIGLIP_TEXT,
           network=_alone(_siglip_text, text=True)),
)  # fmt: skip
