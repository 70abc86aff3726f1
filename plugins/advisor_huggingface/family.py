"""What a family of architectures is: which blocks a layer has, and how its configuration names things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from advisor.models import Layer
from advisor.operators import Operator
from advisor_huggingface.config import Config
from advisor_huggingface.modules import EXPERTS

if TYPE_CHECKING:
    from advisor_huggingface.network import Network

#: Makes the operators of one part of layer number ``layer``.
Block = Callable[[Config, int], tuple[Operator, ...]]

#: A choice that a family fixes, reads from a field of the configuration, or works out for a layer.
Setting = bool | str | Callable[[Config, int], bool]
Size = int | str | Callable[[Config, int], int]
OptionalSize = int | str | None | Callable[[Config, int], "int | None"]

#: The two callable forms of those, for families that make them.
Test = Callable[[Config, int], bool]
Measure = Callable[[Config, int], int]
OptionalMeasure = Callable[[Config, int], "int | None"]

#: Makes the layers of a tower beside the text model, from the whole (outer) configuration.
Tower = Callable[[Config], tuple[Layer, ...]]


def enabled(setting: Setting, config: Config, layer: int) -> bool:
    """Resolve a setting for a layer."""
    if isinstance(setting, str):
        return config.flag(setting)
    return setting(config, layer) if callable(setting) else setting


def size(setting: Size, config: Config, layer: int, least: int = 1) -> int:
    """Resolve a size for a layer; a field must be there."""
    if isinstance(setting, str):
        return config.integer(setting, least=least)
    return setting(config, layer) if callable(setting) else setting


def optional_size(setting: OptionalSize, config: Config, layer: int) -> int | None:
    """Resolve a size that may be absent: null, missing and zero are None."""
    if isinstance(setting, str):
        return config.optional(setting) or None
    return setting(config, layer) if callable(setting) else setting


def sequence(*blocks: Block) -> Block:
    """One block after the other."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        return tuple(operator for block in blocks for operator in block(config, layer))

    return build


def choose(test: Setting, then: Block, otherwise: Block | None = None) -> Block:
    """``then`` in the layers where ``test`` holds, ``otherwise`` (or nothing) elsewhere."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        if enabled(test, config, layer):
            return then(config, layer)
        return otherwise(config, layer) if otherwise else ()

    return build


class Family(Struct, frozen=True, kw_only=True):
    """One family of decoders.

    ``layer`` makes the operators of a block, ``embedding`` what comes before and ``output`` what comes
    after all of them. ``fields`` and ``defaults`` are those of ``Config``. ``text`` names the fields in
    one of which a multi-modal configuration holds its text model; its ``text_family`` reads it unless
    that says a type of its own. ``towers`` make vision and audio layers. ``expand`` rewrites the
    document first (defaults that depend on other fields). ``heads`` is what tensor parallelism can divide.
    ``network`` makes all layers of a family that is no decoder.
    """

    name: str
    model_types: tuple[str, ...]
    layer: Block | None = None
    embedding: Block | None = None
    output: Block | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    text: tuple[str, ...] = ()
    text_family: str = ""
    towers: tuple[Tower, ...] = ()
    expand: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    attributes: Callable[[Config], Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()
    experts_modules: tuple[str, ...] = EXPERTS
    heads: OptionalSize = "num_attention_heads"
    network: Callable[[Config], Network] | None = None
