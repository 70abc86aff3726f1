"""Vision transformers over one grid of patches: ViT, DeiT, DINOv2."""

from __future__ import annotations

from collections.abc import Callable

from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.convolution import image
from advisor_huggingface.blocks.encoder import layer_norm, linear
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.blocks.patches import PRE_NORM, embedded, grid, transformer
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Family, choose, sequence
from advisor_huggingface.network import Network, end, labels, task
from advisor_huggingface.samples import per_sample

#: Makes what follows the last norm, from the configuration, the task and the patches.
Head = Callable[[Config, str], tuple[Operator, ...]]


def _transformer(tokens: int, block: Block, head: Head, masked: str = "") -> Callable[[Config], Network]:
    def build(config: Config) -> Network:
        hidden, patches, wanted = config.hidden, grid(config).positions, task(config)
        positions = patches + tokens
        first = embedded(config, tokens, masked=bool(masked) and config.flag(masked))
        last = per_sample((layer_norm("norm", hidden),), positions)
        return Network(
            layers=(end("embedding", first), *transformer(config, positions, block),
                    end("output", (*last, *head(config, wanted)))),
            unit="sample", hidden_size=hidden, blocks=config.layers, heads=config.integer("num_attention_heads"),
            sample_elements=image(config).elements,
        )  # fmt: skip

    return build


def _vit_head(config: Config, wanted: str) -> tuple[Operator, ...]:
    hidden = config.hidden
    if wanted.startswith("ImageClassification"):
        count = 2 if wanted.endswith("WithTeacher") else 1
        return tuple(linear(f"classifier{number or ''}", hidden, labels(config)) for number in range(count))
    return (linear("pooler", hidden, config.integer("pooler_output_size", hidden)),)


def _dinov2_head(config: Config, wanted: str) -> tuple[Operator, ...]:
    if wanted != "ImageClassification":
        return ()
    return (MatMul(name="classifier", inputs=2 * config.hidden, outputs=labels(config), bias=True, quantizable=False),)


def _scale(name: str) -> Block:
    return lambda config, layer: (Elementwise(name=name, elements=2 * config.hidden, parameters_own=config.hidden,
                                              saved_elements=config.hidden),)  # fmt: skip


def _wide(config: Config, layer: int) -> int:
    return int(config.hidden * config.number("mlp_ratio", 4))


def _gated_width(config: Config, layer: int) -> int:
    """Two thirds of the width, rounded up to eights."""
    return (int(_wide(config, layer) * 2 / 3) + 7) // 8 * 8


_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
         "patch_size": 16, "qkv_bias": True}  # fmt: skip

VIT = Family(name="vit", model_types=("vit",), defaults=_BASE, network=_transformer(1, PRE_NORM, _vit_head))
DEIT = Family(name="deit", model_types=("deit",), defaults=_BASE, network=_transformer(2, PRE_NORM, _vit_head))
DINOV2 = Family(
    name="dinov2",
    model_types=("dinov2",),
    defaults={**_BASE, "patch_size": 14, "use_mask_token": True},
    network=_transformer(1, sequence(
        norm("norm1", bias=True), attention(bias="qkv_bias", output_bias=True, causal=False, rotary=False),
        _scale("layer_scale1"), norm("norm2", bias=True),
        choose("use_swiglu_ffn", gated_mlp(width=_gated_width, bias=True), plain_mlp(width=_wide)),
        _scale("layer_scale2"),
    ), _dinov2_head, masked="use_mask_token"),
)  # fmt: skip
FAMILIES = (VIT, DEIT, DINOV2)
