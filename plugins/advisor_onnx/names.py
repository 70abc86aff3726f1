"""Tells trained parameters from constants that exporters store beside them."""

from __future__ import annotations

import re

from advisor_graph.weights import Weight

#: Names that exporters make up for constants: torch (``onnx::Mul_12``, ``val_3``), tf2onnx (``const_fold__7``).
_MADE_UP = re.compile(r"(?i)::|/|:|const|scalar|^val_?\d|^_|^\d|^(one|two|half|zero|eps|axes|shape|scale_factor)\b")


def is_parameter(weight: Weight) -> bool:
    """Whether a stored tensor that element-wise work reads is a parameter rather than a constant.

    Whole numbers, literals in the graph, and single values under a made-up name are constants.
    """
    if not weight.floating or weight.literal:
        return False
    if weight.rank == 0 or weight.elements <= 1:
        return bool(weight.name) and not _MADE_UP.search(weight.name)
    return True
