"""ResNet with basic or bottleneck blocks (He et al. 2015); the stride is in the 3x3 convolution unless told."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Elementwise, MatMul, Operator
from advisor_huggingface.blocks.convolution import Map, convolved, image, normed, pointwise
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, labels, task


def _layer(
    name: str, given: Map, channels: int, kernel: int, stride: int = 1, activated: bool = True
) -> tuple[tuple[Operator, ...], Map]:
    product, made = convolved(name, given, channels, kernel, stride)
    operators: tuple[Operator, ...] = (product, normed(f"{name}.norm", made))
    return (*operators, pointwise(f"{name}.activation", made)) if activated else operators, made


def _block(config: Config, given: Map, channels: int, stride: int) -> tuple[tuple[Operator, ...], Map]:
    """One residual block: convolutions, the shortcut where shapes change, the addition."""
    kind = config.text("layer_type", "bottleneck")
    if kind not in ("basic", "bottleneck"):
        raise config.error("layer_type", f"must be basic or bottleneck, not {kind[:40]!r}")
    inner, first = channels // 4, config.flag("downsample_in_bottleneck")
    steps = [(inner, 1, stride if first else 1), (inner, 3, 1 if first else stride), (channels, 1, 1)]
    if kind == "basic":
        steps = [(channels, 3, stride), (channels, 3, 1)]
    operators: list[Operator] = []
    made = given
    for number, (width, kernel, step) in enumerate(steps):
        part, made = _layer(f"convolution{number}", made, width, kernel, step, activated=number < len(steps) - 1)
        operators += part
    if given.channels != channels or stride != 1:
        operators += _layer("shortcut", given, channels, 1, stride, activated=False)[0]
    return (*operators, pointwise("addition", made, 2), pointwise("activation", made)), made


def _network(config: Config) -> Network:
    widths, depths = config.integers("hidden_sizes"), config.integers("depths")
    if len(widths) != len(depths) or not widths or not 0 < min(depths) <= sum(depths) <= MOST_LAYERS:
        raise config.error("depths", f"must give at least one block for each of the {len(widths)} hidden_sizes")
    pixels = image(config)
    first, made = _layer("convolution", pixels, config.integer("embedding_size"), 7, 2)
    pooled = Map(made.channels, (made.height - 1) // 2 + 1, (made.width - 1) // 2 + 1)
    pool = Elementwise(name="max_pool", elements=made.elements + pooled.elements, saved_elements=pooled.elements)
    layers = [end("embedding", (*first, pool))]
    made = pooled
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        stride = 2 if stage or config.flag("downsample_in_first_stage") else 1
        operators, made = _block(config, made, width, stride)
        layers.append(Layer(name=f"stage{stage}.0", kind="stage", operators=operators))
        if depth > 1:
            rest, _ = _block(config, made, width, 1)
            layers.append(Layer(name=f"stage{stage}.1-{depth - 1}", kind="stage", operators=rest, count=depth - 1))
    last: tuple[Operator, ...] = (Elementwise(name="mean_pool", elements=made.elements + made.channels),)
    if task(config) == "ImageClassification":
        last = (*last, MatMul(name="classifier", inputs=made.channels, outputs=labels(config), bias=True,
                              quantizable=False, saved_elements=made.channels))  # fmt: skip
    return Network(layers=(*layers, end("output", last)), unit="sample", hidden_size=made.channels, blocks=sum(depths),
                   heads=made.channels, sample_elements=pixels.elements)  # fmt: skip


RESNET = Family(
    name="resnet", model_types=("resnet",), network=_network,
    defaults={"embedding_size": 64, "hidden_sizes": [256, 512, 1024, 2048], "depths": [3, 4, 6, 3]},
)  # fmt: skip
FAMILIES = (RESNET,)
