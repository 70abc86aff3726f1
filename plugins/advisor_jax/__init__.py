"""Plugin: reads functions of JAX that an application holds, from their jaxpr. Found as ``Model.from_jax``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.models import Model


def from_jax(
    function: Any, *shapes: Any, name: str = "", parameters: int | Sequence[int] | None = None, unit: str = "sample"
) -> Model:
    """Return the model of a function, from the shapes of its arguments; nothing is computed.

    Each of ``shapes`` is what the function takes there: arrays, ``jax.ShapeDtypeStruct``, a tuple of sizes
    (32-bit floats), or any nesting of these. ``parameters`` are the positions of arguments that hold the
    weights; without it, those that are nested. Arrays that the function closes over are weights too.
    One sample of the model is one call.
    """
    from advisor_jax.trace import trace

    return trace(function, shapes, name, parameters, unit)
