"""Networks other than decoders: a family's builder makes the layers, and this puts the model together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from advisor.errors import ModelFileError
from advisor.models import Layer, Model, Unit
from advisor.records import replace
from advisor_huggingface.assembly import MOST_PARAMETERS
from advisor_huggingface.config import Config
from advisor_huggingface.quantization import read_quantization

if TYPE_CHECKING:
    from advisor_huggingface.family import Family


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a builder makes of a configuration; the fields are those of ``Model``."""

    layers: tuple[Layer, ...]
    unit: Unit
    hidden_size: int
    blocks: int
    heads: int
    generates: bool = False
    vocabulary: int = 0
    max_context: int | None = None
    sample_elements: int = 0
    notes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


def assemble_network(family: Family, document: Mapping[str, Any], origin: str, name: str) -> Model:
    """Make the model; raises ``ModelFileError`` for a configuration that contradicts itself."""
    assert family.network is not None
    network = family.network(Config(document, origin, family.fields, family.defaults))
    quantization = read_quantization(document, document, origin)
    layers = tuple(
        replace(layer, operators=quantization.applied(layer.operators, 0 if layer.count else -1))
        for layer in network.layers
        if layer.operators
    )
    total = sum(layer.parameters for layer in layers)
    if total > MOST_PARAMETERS:
        raise ModelFileError(f"{origin}: the sizes make {total:.3g} parameters, more than any model has; "
                             "check the widths and the number of layers")  # fmt: skip
    return Model(
        name=name, family=family.name, layers=layers, unit=network.unit, generates=network.generates,
        weight_format=quantization.weight_format, cache_format=quantization.cache_format,
        hidden_size=network.hidden_size, blocks=network.blocks, vocabulary=network.vocabulary,
        max_context=network.max_context, tensor_parallel_limit=network.heads,
        sample_elements=network.sample_elements, reader="huggingface", source=origin,
        notes=tuple(dict.fromkeys((*family.notes, *network.notes, *quantization.notes))),
        attributes=MappingProxyType(dict(network.attributes)),
    )  # fmt: skip


def task(config: Config, otherwise: str = "") -> str:
    """What stands on top: ``MaskedLM`` of ``BertForMaskedLM``; empty for the bare model.

    A configuration that names no class gets ``otherwise``.
    """
    given = config.raw("architectures")
    if not isinstance(given, (list, tuple)) or not given or not isinstance(given[0], str):
        return otherwise
    before, separator, after = given[0].rpartition("For")
    return after if separator and before else ""


def labels(config: Config, fallback: int = 2) -> int:
    """Classes that a classifier tells apart: the length of ``id2label``, else ``num_labels``, else two."""
    named = config.raw("id2label")
    if isinstance(named, Mapping) and named:
        return config.whole("id2label", len(named), 1)
    return config.integer("num_labels", fallback)


def end(name: str, operators: tuple[Any, ...], stack: str = "main", prefix: str = "") -> Layer:
    """The layer before or after the blocks."""
    return Layer(name=f"{prefix}{name}", kind=name, operators=operators, stack=stack)
