"""Convolutions over a feature map of a sample, with their norms and activations."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.operators import Convolution, Elementwise, Operator
from advisor_huggingface.config import Config


@dataclass(frozen=True)
class Map:
    """A feature map: channels, height, width."""

    channels: int
    height: int
    width: int

    @property
    def positions(self) -> int:
        """Height times width."""
        return self.height * self.width

    @property
    def elements(self) -> int:
        """Values of a sample."""
        return self.positions * self.channels


def image(config: Config, size: int = 224) -> Map:
    """The input image: ``image_size`` is an edge or a height and a width."""
    given = config.raw("image_size")
    edges = given if isinstance(given, (list, tuple)) else [size if given is None else given]
    if len(edges) not in (1, 2):
        raise config.error("image_size", "must be an edge, or a height and a width")
    height, width = (config.whole("image_size", edge, 1) for edge in (edges[0], edges[-1]))
    if max(height, width) > 1 << 16:
        raise config.error("image_size", f"must be at most {1 << 16}, not {max(height, width)}")
    return Map(config.integer("num_channels", 3), height, width)


def convolved(
    name: str, given: Map, channels: int, kernel: int, stride: int = 1, *, groups: int = 1, bias: bool = False,
    padding: int | None = None,
) -> tuple[Convolution, Map]:  # fmt: skip
    """A convolution and the map it makes; the padding is half the kernel unless given."""
    around = kernel // 2 if padding is None else padding
    height, width = ((edge + 2 * around - kernel) // stride + 1 for edge in (given.height, given.width))
    made = Map(channels, max(0, height), max(0, width))
    product = Convolution(
        name=name, inputs=kernel * kernel * given.channels, outputs=channels, groups=groups, bias=bias,
        positions=made.positions, input_elements=given.elements, saved_elements=given.elements, split="columns",
    )  # fmt: skip
    return product, made


def normed(name: str, given: Map) -> Elementwise:
    """A batch or layer norm over the map: a scale and a shift a channel."""
    return Elementwise(name=name, elements=2 * given.elements, parameters_own=2 * given.channels,
                       saved_elements=given.elements)  # fmt: skip


def pointwise(name: str, given: Map, inputs: int = 1, own: int = 0) -> Operator:
    """An activation, or an addition of ``inputs`` maps."""
    return Elementwise(name=name, elements=(inputs + 1) * given.elements, parameters_own=own,
                       saved_elements=given.elements)  # fmt: skip
