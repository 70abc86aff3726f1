"""Tensors that flow through a graph, and the arguments that a layer is called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advisor_keras.config import Shape, TensorArgument
from advisor_keras.result import elements


@dataclass(eq=False, slots=True)
class Tensor:
    """A value that flows between layers; ``saved`` once some layer keeps it for the backward pass."""

    shape: Shape
    kept: list[bool] = field(default_factory=lambda: [False])  # shared by views of one value

    @property
    def saved(self) -> bool:
        """Whether some layer keeps it."""
        return self.kept[0]

    def save(self) -> int:
        """Return the values to keep: none if they are kept already."""
        first = not self.kept[0]
        self.kept[0] = True
        return elements(self.shape) if first else 0

    def viewed(self, shape: Shape) -> Tensor:
        """Return the same value in another shape."""
        return Tensor(shape, self.kept)


@dataclass
class Call:
    """One use of a layer: arguments with ``Tensor`` leaves, and the recorded shape of the output if any."""

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    recorded: tuple[int | None, ...] | None = None


def leaves(value: Any) -> list[Tensor]:
    """Return the tensors in nested arguments, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for entry in value for tensor in leaves(entry)]
    return []


def described(value: Any) -> Any:
    """Return nested arguments with ``TensorArgument`` leaves."""
    if isinstance(value, Tensor):
        return TensorArgument(value.shape)
    if isinstance(value, Mapping):
        return {key: described(entry) for key, entry in value.items()}
    return tuple(described(entry) for entry in value) if isinstance(value, (list, tuple)) else value
