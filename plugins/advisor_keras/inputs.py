"""Shapes of a model's inputs, with sizes that the file leaves open filled in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from advisor_keras.config import MOST_SIZE, ConfigError, Shape, is_integer, shown
from advisor_keras.walk import Walk

DEFAULT_SEQUENCE_LENGTH = 128
DEFAULT_IMAGE_SIZE = 224

_SHAPE_FIELDS = ("batch_shape", "batch_input_shape")


def raw_shape(value: Any, name: str) -> tuple[int | None, ...]:
    """Check a serialised shape with its batch axis and return it without."""
    if isinstance(value, Mapping) and value.get("class_name") == "__tuple__":
        value = value.get("items")
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 32:
        raise ConfigError(f"layer {shown(name)}: input shape is {shown(value)}; expected a list such as [null, 784]")
    for size in value[1:]:
        if size is not None and not (is_integer(size) and 0 <= size <= MOST_SIZE):
            raise ConfigError(f"layer {shown(name)}: input shape is {shown(value)}; sizes are null or 0 to {MOST_SIZE}")
    return tuple(None if size is None else int(size) for size in value[1:])


def fill(shape: tuple[int | None, ...], name: str, walk: Walk) -> Shape:
    """Fill in sizes that the file leaves open, and say so.

    Two or more open sizes in a row beside a known channel axis are an image's (``image_size``, 224 by
    default); any other is a sequence length (``seq_len``, 128 by default).
    """
    if None not in shape:
        return tuple(size for size in shape if size is not None)
    opened = [axis for axis, size in enumerate(shape) if size is None]
    image = len(shape) >= 3 and len(opened) >= 2 and any(b - a == 1 for a, b in pairwise(opened))
    option, default = ("image_size", DEFAULT_IMAGE_SIZE) if image else ("seq_len", DEFAULT_SEQUENCE_LENGTH)
    given = walk.options.get(option)
    size = int(given) if given is not None and is_integer(given) and 0 < given <= MOST_SIZE else default
    origin = "as given" if given is not None else f"the default of {option}"
    walk.note(f"input {shown(name)} leaves {len(opened)} size{'s' * (len(opened) > 1)} open: {size} taken, {origin}")
    return tuple(size if known is None else known for known in shape)


def declared_shape(document: Any) -> tuple[int | None, ...] | None:
    """Return the input shape that a layer's own configuration declares (without batch), or None."""
    values = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(values, Mapping):
        return None
    name = str(values.get("name"))
    for key in _SHAPE_FIELDS:
        if values.get(key) is not None:
            return raw_shape(values[key], name)
    if values.get("input_shape") is not None:
        return raw_shape([None, *_listed(values["input_shape"])], name)
    if is_integer(values.get("input_dim")) and document.get("class_name") not in ("Embedding", "ReversibleEmbedding"):
        return raw_shape([None, values["input_dim"]], name)
    build = document.get("build_config")
    if isinstance(build, Mapping) and _plain_shape(build.get("input_shape")):
        return raw_shape(build["input_shape"], name)
    if document.get("class_name") == "Embedding":
        return raw_shape([None, values.get("input_length")], name)
    return None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _plain_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 1 and not any(isinstance(v, (list, dict)) for v in value)
