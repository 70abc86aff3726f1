"""Plugin: reads ONNX files without the ``onnx`` package, and without touching the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of ``.onnx`` files."""
    from advisor_onnx.reader import OnnxReader

    return [OnnxReader()]
