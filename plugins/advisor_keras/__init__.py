"""Plugin: reads Keras 2 and Keras 3 models (``.h5``, ``.keras``, ``to_json``) without TensorFlow or Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the Keras reader."""
    from advisor_keras.reader import KerasReader

    return [KerasReader()]
