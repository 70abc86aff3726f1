"""Values that flow through a graph: shape, element type, and what is known of their contents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.records import replace
from advisor_graph.weights import Weight
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.kinds import FLOAT, INT64

if TYPE_CHECKING:
    from advisor_graph.placed import Placed

Shape = tuple[int, ...]
Data = Any  # a numpy array: int64, float64, bool

MOST_SIZE = 1 << 48
MOST_RANK = 64
#: Constants with more values than this are not evaluated: shapes and indices have few.
MOST_KNOWN = 1 << 14


@dataclass(eq=False, slots=True)
class Value:
    """A tensor. ``constant``: it follows from the file alone. ``data``: its values, where few and known.

    ``weights`` are the stored tensors that a constant is made of. ``kept`` is shared by views of one
    value and true once some operator keeps it for the backward pass. ``product`` is the matrix
    product that it comes straight out of. ``items`` are those of a sequence; ``shape`` is then the
    first one's.
    """

    shape: Shape
    dtype: int = FLOAT
    data: Data | None = None
    weights: tuple[Weight, ...] = ()
    constant: bool = False
    kept: list[bool] = field(default_factory=lambda: [False])
    product: Placed | None = None
    items: list[Value] | None = None
    uses: int = 0

    def __post_init__(self) -> None:
        if len(self.shape) > MOST_RANK or any(size < 0 for size in self.shape) or math.prod(self.shape) > MOST_SIZE:
            raise OnnxError(f"a tensor would have shape {shown(self.shape)}; expected sizes of zero or more and at "
                            f"most {MOST_SIZE:.0e} values")  # fmt: skip

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def viewed(self, shape: Shape) -> Value:
        """The same values in another shape."""
        data = self.data.reshape(shape) if self.data is not None else None
        return replace(self, shape=shape, data=data, product=None, items=None, uses=0)

    def keep(self) -> int:
        """Values to keep for the backward pass: none if they are kept already, or constant."""
        first = not self.kept[0] and not self.constant
        self.kept[0] = True
        return self.elements if first else 0


def known(data: Any, dtype: int = INT64) -> Value:
    """A constant whose contents are known."""
    array = np.asarray(data)
    return Value(tuple(array.shape), dtype, array, constant=True)


def broadcast(*shapes: Shape) -> Shape:
    """The shape that all fit, by the rules of numpy; raises ``OnnxError``."""
    rank = max((len(shape) for shape in shapes), default=0)
    answer = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            raise OnnxError(f"inputs of shapes {', '.join(shown(shape) for shape in shapes[:4])} do not fit together")
        answer.append(sizes.pop() if sizes else 1)
    return tuple(answer)
