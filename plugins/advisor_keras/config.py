"""Typed, bounded access to the configuration of one Keras layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor_keras.walk import Walk

#: Values of one sample's tensor, without the batch axis.
Shape = tuple[int, ...]

MOST_SIZE = 2**40


class ConfigError(Exception):
    """A configuration that cannot be read; the reader adds the file's name."""


def shown(value: Any, most: int = 60) -> str:
    """Write a hostile value on one short line."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, (list, tuple, dict)) and len(value) > 8:
        return f"a {type(value).__name__} of {len(value)} entries"
    text = "".join(c if c.isprintable() else "?" for c in repr(value)[: most * 4])
    return text if len(text) <= most else text[: most - 3] + "..."


def plain(text: str, most: int = 60) -> str:
    """Return a name from a hostile file as it can be printed."""
    return "".join(c if c.isprintable() else "?" for c in text[:most])


def is_integer(value: Any) -> bool:
    """Whether ``value`` is a whole number: an int, or a float without a fraction."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


@dataclass(frozen=True)
class TensorArgument:
    """A tensor among the arguments of a call."""

    shape: Shape


@dataclass(frozen=True)
class Config:
    """What a layer function is given beside its input shapes: the configuration and how it was called.

    ``arguments`` and ``keywords`` are those of the call, tensors as ``TensorArgument``. Getters raise
    ``ConfigError`` that names the layer, the field and what is accepted.
    """

    values: Mapping[str, Any]
    name: str
    kind: str
    walk: Walk
    document: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def fail(self, message: str) -> ConfigError:
        """Return the error ``message`` about this layer."""
        return ConfigError(f"layer {shown(self.name)} ({plain(self.kind)}): {message}")

    def integer(self, key: str, default: int | None = None, least: int = 1, most: int = MOST_SIZE) -> int:
        """Return a whole number between ``least`` and ``most``."""
        value = self.values.get(key)
        if value is None:
            if default is None:
                raise self.fail(f"field {key!r} is missing; expected a whole number of at least {least}")
            return default
        if not is_integer(value) or not least <= value <= most:
            raise self.fail(f"field {key!r} is {shown(value)}; expected a whole number from {least} to {most}")
        return int(value)

    def integers(self, key: str, count: int | None, default: int | None = None, least: int = 1) -> Shape:
        """Return ``count`` whole numbers; one number stands for all (``count`` None: as many as given)."""
        value = self.values.get(key)
        if value is None and default is not None:
            return (default,) * (count or 1)
        if is_integer(value):
            value = [value] * (count or 1)
        usable = isinstance(value, (list, tuple)) and (len(value) == count if count else len(value) <= 32)
        if not usable or not all(is_integer(v) and least <= v <= MOST_SIZE for v in value or ()):
            wanted = f"{count} whole numbers" if count else "whole numbers"
            raise self.fail(f"field {key!r} is {shown(value)}; expected {wanted} from {least} to {MOST_SIZE}")
        return tuple(int(v) for v in value or ())

    def flag(self, key: str, default: bool) -> bool:
        """Return a truth value."""
        value = self.values.get(key, default)
        return default if value is None else bool(value)

    def text(self, key: str, default: str, accepted: Sequence[str]) -> str:
        """Return one of the accepted words."""
        value = self.values.get(key)
        value = default if value is None else value
        lower = value.lower() if isinstance(value, str) else value
        if lower not in accepted:
            raise self.fail(f"field {key!r} is {shown(value)}; expected {', '.join(accepted)}")
        return str(lower)

    def number(self, key: str, default: float) -> float:
        """Return a finite number."""
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < MOST_SIZE:
            raise self.fail(f"field {key!r} is {shown(value)}; expected a number")
        return float(value)

    @property
    def channels_first(self) -> bool:
        """Whether the channel axis comes before the spatial axes."""
        return self.text("data_format", "channels_last", ("channels_last", "channels_first")) == "channels_first"

    def axis(self, value: Any, rank: int) -> int:
        """Turn an axis that counts the batch axis (or counts from the end) into a position in a shape."""
        if not is_integer(value) or not -rank <= value <= rank or value == 0:
            raise self.fail(f"axis {shown(value)} is not an axis of a tensor of rank {rank + 1} (batch axis 0 apart)")
        return int(value) - 1 if value > 0 else rank + int(value)

    def split_channels(self, shape: Shape, rank: int) -> tuple[Shape, int]:
        """Return the ``rank`` spatial sizes and the channels of ``shape``; more axes are an error."""
        if len(shape) != rank + 1:
            raise self.fail(f"input has shape {shown(shape)}; expected {rank} spatial axes and channels")
        return (shape[1:], shape[0]) if self.channels_first else (shape[:-1], shape[-1])

    def join_channels(self, spatial: Shape, channels: int) -> Shape:
        """Undo ``split_channels``."""
        return (channels, *spatial) if self.channels_first else (*spatial, channels)
