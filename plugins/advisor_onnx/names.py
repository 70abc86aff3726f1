"""Tells trained parameters from constants that exporters store beside them."""

from __future__ import annotations

import re

from advisor_graph.weights import Weight

#: Names that exporters make up for constants: torch (``onnx::Mul_12``, ``val_3``), tf2onnx (``const_fold__7``).
_MADE_UP = re.compile(r"(?i)::|/|:|const|scalar|^val_?\d|^_|^\d|^(one|two|half|zero|eps|axes|shape|scale_factor)s?\b")


#: Operators that torch.export names the tensors after that it folds, such as ``where`` or ``unsqueeze_14``: masks and
#: tables of angles where they have several axes, reshaped parameters where they have one.
_FOLDED = re.compile(
    r"(where|unsqueeze|squeeze|zeros|ones|full|arange|val|mul|add|sub|div|cat|stack|view|reshape|slice|select|index"
    r"|masked_fill|tril|triu|pow|sin|cos|reciprocal|to|clone|permute|transpose|lift_fresh|lift_fresh_copy|scalar_tensor"
    r"|const|constant|neg|exp|gt|lt|eq|repeat|zeros_like|ones_like|full_like|new_zeros|new_ones)(_\d+)?"
)


def is_parameter(weight: Weight) -> bool:
    """Whether a stored tensor that element-wise work reads is a parameter rather than a constant.

    Whole numbers, literals in the graph, and single values under a made-up name are constants.
    """
    if not weight.floating or weight.literal or (weight.rank > 1 and _FOLDED.fullmatch(weight.name)):
        return False
    if weight.elements <= 1:
        return bool(weight.name) and not _MADE_UP.search(weight.name)
    return True
