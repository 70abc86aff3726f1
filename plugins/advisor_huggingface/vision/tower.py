"""A vision transformer beside a text model: patches in, blocks, a projection into the text model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.models import Layer
from advisor.operators import Convolution, Elementwise, Embedding, MatMul, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Tower

#: Makes operators from the vision part and the whole configuration.
Part = Callable[[Config, Config], tuple[Operator, ...]]


def tower(
    *,
    field: str = "vision_config",
    fields: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    before: Part,
    block: Block,
    after: Part,
    optional: bool = False,
) -> Tower:
    """Layers of the stack ``vision`` from the object in ``field``: what comes before, the blocks, what comes after.

    The products that merge neighbouring patches run once a merged patch; here they count once a patch, which
    overstates a tower's FLOPs by some percent. Without the object there is no tower where ``optional``.
    """

    def build(whole: Config) -> tuple[Layer, ...]:
        if optional and whole.raw(field) is None:
            return ()
        config = whole.nested(field, fields, defaults)
        blocks = [block(config, index) for index in range(config.layers)]
        parts = (("embedding", before), ("projection", after))
        ends = {name: Layer(name=f"vision.{name}", kind=name, operators=part(config, whole), stack="vision")
                for name, part in parts}  # fmt: skip
        return (ends["embedding"], *grouped(blocks, "vision", "vision.layers", "encoder"), ends["projection"])

    return build


def side(config: Config, field: str) -> int:
    """An edge length that may be written as a number or as equal numbers in a list."""
    value = config.raw(field)
    if isinstance(value, (list, tuple)) and value:
        return config.whole(field, value[0], 1)
    return config.integer(field)


def patches(
    config: Config, *, bias: bool, channels: str = "num_channels", frames: int = 1, positions: int = 0,
    position_width: int | None = None, class_token: bool = False,
) -> tuple[Operator, ...]:  # fmt: skip
    """Patch embedding with an optional table of learned positions and a class token."""
    hidden, pixels = config.hidden, side(config, "patch_size") ** 2 * config.integer(channels, 3) * frames
    operators: list[Operator] = [
        Convolution(name="patch_embedding", inputs=pixels, outputs=hidden, bias=bias, input_elements=pixels,
                    quantizable=False, saved_elements=pixels)
    ]  # fmt: skip
    if positions:
        operators.append(Embedding(name="position_embedding", rows=positions, width=position_width or hidden,
                                   split="none"))  # fmt: skip
    if class_token:
        operators.append(Elementwise(name="class_embedding", elements=0, parameters_own=hidden))
    return tuple(operators)


def layer_norm(name: str, width: int, *, bias: bool = True, scale: bool = True) -> Elementwise:
    """A norm of a given width."""
    return Elementwise(name=name, elements=2 * width, parameters_own=width * (bias + scale), saved_elements=width)


def linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> MatMul:
    """A product that stays in 16 bits, as vision towers do in quantized checkpoints."""
    return MatMul(name=name, inputs=inputs, outputs=outputs, bias=bias, quantizable=False, saved_elements=inputs)


def text_hidden(whole: Config) -> int:
    """Hidden size of the text model that the tower feeds."""
    return whole.nested("text_config").hidden if whole.raw("text_config") is not None else whole.hidden
