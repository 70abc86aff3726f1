"""Vision transformers whose unit is a whole image: patches in, blocks over patches and class tokens."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Convolution, Elementwise, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.convolution import Map, image
from advisor_huggingface.blocks.mlp import plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, sequence
from advisor_huggingface.samples import per_sample

#: Norms before each part, biases everywhere but where ``qkv_bias`` says otherwise.
PRE_NORM: Block = sequence(
    norm("norm1", bias=True), attention(bias="qkv_bias", output_bias=True, causal=False, rotary=False),
    norm("norm2", bias=True), plain_mlp(),
)  # fmt: skip


def grid(config: Config) -> Map:
    """Patches of the image, as a map of the hidden size."""
    pixels = image(config)
    given = config.raw("patch_size")
    edges = given if isinstance(given, (list, tuple)) and given else [given]
    tall, wide = (config.whole("patch_size", edge, 1) for edge in (edges[0], edges[-1]))
    made = Map(config.hidden, pixels.height // tall, pixels.width // wide)
    if not made.positions:
        raise config.error("patch_size", f"is larger than the image of {pixels.height} x {pixels.width}")
    return made


def embedded(config: Config, tokens: int, *, bias: bool = True, masked: bool = False) -> tuple[Operator, ...]:
    """Patches, ``tokens`` learned ones before them, a learned position each, and a token for masked patches."""
    pixels, patches = image(config), grid(config)
    area = (pixels.height // patches.height) * (pixels.width // patches.width) * pixels.channels
    hidden, count = config.hidden, patches.positions + tokens
    own = hidden * (tokens + count + masked)
    return (
        Convolution(name="patch_embedding", inputs=area, outputs=hidden, bias=bias, positions=patches.positions,
                    input_elements=pixels.elements, quantizable=False, saved_elements=pixels.elements),
        Elementwise(name="positions", elements=2 * count * hidden, parameters_own=own, saved_elements=count * hidden),
    )  # fmt: skip


def transformer(
    config: Config, positions: int, block: Block = PRE_NORM, stack: str = "main", prefix: str = "layers"
) -> list[Layer]:
    """All blocks of a sample of so many positions."""
    blocks = [per_sample(block(config, index), positions) for index in range(config.layers)]
    return grouped(blocks, stack, prefix, "encoder")
