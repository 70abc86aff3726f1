"""ConvNeXt: depthwise convolutions and pointwise networks (Liu et al. 2022)."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.blocks.convolution import Map, convolved, image, normed, pointwise
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, labels, task

_WIDER = 4


def _block(config: Config, given: Map) -> tuple[Operator, ...]:
    channels, scaled = given.channels, config.number("layer_scale_init_value", 1e-6) > 0
    depthwise, _ = convolved("depthwise", given, channels, 7, groups=channels, bias=True)
    wide = Map(_WIDER * channels, given.height, given.width)
    return (
        depthwise,
        normed("norm", given),
        MatMul(name="up", inputs=channels, outputs=_WIDER * channels, bias=True, positions=given.positions,
               split="columns", saved_elements=given.elements),
        pointwise("activation", wide),
        MatMul(name="down", inputs=_WIDER * channels, outputs=channels, bias=True, positions=given.positions,
               split="rows", saved_elements=wide.elements),
        *((pointwise("layer_scale", given, own=channels),) if scaled else ()),
        pointwise("addition", given, 2),
    )  # fmt: skip


def _network(config: Config) -> Network:
    widths, depths = config.integers("hidden_sizes"), config.integers("depths")
    if len(widths) != len(depths) or not widths or not 0 < min(depths) <= sum(depths) <= MOST_LAYERS:
        raise config.error("depths", f"must give at least one block for each of the {len(widths)} hidden_sizes")
    pixels, patch = image(config), config.integer("patch_size")
    product, made = convolved("patches", pixels, widths[0], patch, patch, bias=True, padding=0)
    layers = [end("embedding", (product, normed("norm", made)))]
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            norm = normed("norm", made)
            product, made = convolved("convolution", made, width, 2, 2, bias=True, padding=0)
            layers.append(Layer(name=f"stage{stage}.downsampling", kind="downsampling", operators=(norm, product)))
        layers.append(Layer(name=f"stage{stage}", kind="stage", operators=_block(config, made), count=depth))
    pooled = Elementwise(name="mean_pool", elements=made.elements + made.channels)
    last: tuple[Operator, ...] = (pooled, normed("norm", Map(made.channels, 1, 1)))
    if task(config) == "ImageClassification":
        last = (*last, MatMul(name="classifier", inputs=made.channels, outputs=labels(config), bias=True,
                              quantizable=False, saved_elements=made.channels))  # fmt: skip
    return Network(layers=(*layers, end("output", last)), unit="sample", hidden_size=made.channels, blocks=sum(depths),
                   heads=made.channels, sample_elements=pixels.elements)  # fmt: skip


CONVNEXT = Family(
    name="convnext", model_types=("convnext",), network=_network,
    defaults={"patch_size": 4, "hidden_sizes": [96, 192, 384, 768], "depths": [3, 3, 9, 3]},
)  # fmt: skip
FAMILIES = (CONVNEXT,)
