"""Plugin: reads torch modules that an application holds, and ``torch.export`` archives (``.pt2``) without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from advisor.interfaces import ModelReader
    from advisor.models import Model

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of ``.pt2`` archives."""
    from advisor_torch.reader import TorchReader

    return [TorchReader()]


def from_torch(
    module: Any, example_inputs: Sequence[Any] | Mapping[str, Any] | Any, name: str = "", *, unit: str = "sample"
) -> Model:
    """Return the model of a ``torch.nn.Module``, from one forward pass on tensors that hold no values.

    ``example_inputs`` are the tensors of one call: a tuple of positional ones, a mapping of keywords, or a
    single tensor. One sample of the model is one such call. Nothing is computed and nothing is changed.
    """
    from advisor_torch.trace import trace

    return trace(module, example_inputs, name, unit)
