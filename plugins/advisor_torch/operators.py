"""What each ATen operator is: a view, free, one with a rule of its own, or one that moves bytes.

FLOPs follow ``torch.utils.flop_counter``. Names are those of
https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/native_functions.yaml.
"""

from __future__ import annotations

from collections.abc import Callable

from advisor_torch.values import Call

Rule = Callable[[Call], None]
RULES: dict[str, Rule] = {}

_VIEWS = """
view _unsafe_view reshape _reshape_alias t transpose permute expand expand_as unsqueeze squeeze flatten unflatten
select slice split split_with_sizes tensor_split unsafe_split unsafe_split_with_sizes chunk unsafe_chunk detach alias
contiguous narrow unbind as_strided movedim swapaxes swapdims view_as real imag mT numpy_T matrix_H adjoint lift_fresh
lift_fresh_copy squeeze_ unsqueeze_ t_ transpose_ ravel diagonal unfold view_as_real view_as_complex detach_ hsplit
vsplit dsplit _conj conj resolve_conj resolve_neg alias_copy view_copy expand_copy permute_copy to_dense detach_copy
"""
_FREE = """
sym_size sym_numel sym_stride sym_storage_offset size stride numel dim is_same_size _assert_async _assert_scalar
_assert_tensor_metadata sym_constrain_range sym_constrain_range_for_size arange zeros ones full empty empty_strided eye
zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty new_empty_strided scalar_tensor linspace
logspace tril_indices triu_indices hann_window randn rand randint _local_scalar_dense item is_nonzero set_ resize_
is_floating_point is_complex _has_compatible_shallow_copy_type empty_permuted record_stream dropout feature_dropout
native_dropout alpha_dropout
"""
VIEWS = frozenset(_VIEWS.split())
FREE = frozenset(_FREE.split())
#: Operators whose backward pass follows from their output, or needs nothing; others keep their inputs.
_OUTPUT = frozenset(
    ["relu", "relu_", "sigmoid", "tanh", "softmax", "_softmax", "log_softmax", "_log_softmax", "exp", "sqrt", "rsqrt"]
)
_NOTHING = frozenset(
    [
        "add",
        "add_",
        "sub",
        "sub_",
        "neg",
        "cat",
        "stack",
        "copy_",
        "clone",
        "_to_copy",
        "to",
        "mean",
        "sum",
        "pad",
        "constant_pad_nd",
        "upsample",
    ]
)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule under operator names."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def apply(call: Call) -> None:
    """Add the operators of a call to its place, and say what its results are made of."""
    if not RULES:
        from advisor_torch import products, sequences  # noqa: F401
    tensors = call.tensors
    constant = all(value.constant for value in tensors)
    if call.op in VIEWS or call.op == "getitem":
        first = tensors[0] if tensors else None
        for output in call.outputs:
            if first is not None:
                output.kept, output.constant, output.weights = first.kept, first.constant, first.weights
        return
    if constant:  # computed once from the weights, or from sizes
        joined = {id(weight): weight for value in tensors for weight in value.weights}
        for output in call.outputs:
            output.constant, output.weights = True, tuple(joined.values())
        if not any(value.weights for value in tensors) or call.op not in RULES:
            return
    if call.op in FREE:
        return
    if call.op in RULES:
        RULES[call.op](call)
        return
    move(call)


def move(call: Call) -> None:
    """Bytes read and written, with the parameters that the operator reads."""
    moving = [value for value in call.tensors if not value.constant]
    weights = call.claim(*(value for value in call.tensors if value.constant and value.weights))
    saved = 0
    if call.op in _OUTPUT:
        saved = sum(value.keep() for value in call.outputs)
    elif call.op not in _NOTHING:
        saved = sum(value.keep() for value in moving)
    elements = sum(value.elements for value in [*moving, *call.outputs])
    call.placed.stored(call.op.strip("_")[:60], weights, elements=elements, saved=saved)
