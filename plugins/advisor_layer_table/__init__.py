"""Plugin: reads tables of layer shapes (JSON), for networks that no configuration describes.

A table is a JSON object::

    {"layer_table": 1, "family": "mobilenetv2", "input": [3, 224, 224], "weight_format": "fp32",
     "stages": [{"name": "112x112", "rows": [
         ["convolution", 1, 3, 32, 9, 1, 0, 50176, 12544],
         ["elementwise", 1, 802816, 64, 401408, "batch_norm"]]}]}

``input`` is the shape of one sample. A row begins with its kind and how often it comes:

- ``convolution``: count, channels in, channels out, kernel positions, groups, bias (0 or 1), input
  positions, output positions;
- ``linear``: count, inputs, outputs, bias (0 or 1), positions;
- ``elementwise``: count, values read and written a sample, parameters, values kept for the backward pass,
  name.

Positions are height x width (of a map) or tokens. ``python -m advisor_layer_table.record timm NAME`` makes
the table of a network that torch can run; its counts are those of the traced network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of layer tables."""
    from advisor_layer_table.reader import LayerTableReader

    return [LayerTableReader()]
