"""One operator as it is stored: in the format of its tensors, in parts where they differ."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.operators import Embedding, ExpertMatMul, MatMul, Operator
from advisor.records import replace
from advisor_tensors import ExpertVectors, Tensor, vectors


def stored(op: Operator, tensors: Sequence[Tensor]) -> list[Operator] | None:
    """The operator in its tensors' formats; None where they don't hold what it needs."""
    held = sum(tensor.values for tensor in tensors)
    if isinstance(op, Embedding) and len(tensors) == 1 and held and held % op.width == 0:
        return [replace(op, rows=held // op.width, native_format=tensors[0].format)]  # padded vocabularies
    if held != op.copies * op.parameters or not tensors:
        return None
    formats = {tensor.format for tensor in tensors}
    if len(formats) == 1:
        return [replace(op, native_format=formats.pop())]
    if isinstance(op, ExpertMatMul):
        return _parts(op, tensors, op.inputs * op.experts)
    if isinstance(op, MatMul) and op.copies == 1:
        return _parts(op, tensors, op.inputs) if op.groups == 1 else _grouped(op, tensors)
    return _by_majority(op, tensors)


def _parts(op: MatMul, tensors: Sequence[Tensor], each: int) -> list[Operator] | None:
    """A product a format, and vectors (biases, corrections) as operators of their own."""
    weights = [tensor for tensor in tensors if _is_matrix(tensor) and tensor.values % each == 0]
    others = [tensor for tensor in tensors if tensor not in weights]
    if sum(tensor.values for tensor in weights) != each * op.outputs:
        return _by_majority(op, tensors)
    answer: list[Operator] = []
    for form in dict.fromkeys(tensor.format for tensor in weights):
        outputs = sum(tensor.values for tensor in weights if tensor.format == form) // each
        answer.append(replace(op, name=op.name if not answer else f"{op.name}.{form}", outputs=outputs, bias=False,
                              extra_parameters=0, native_format=form,
                              saved_elements=op.saved_elements if not answer else 0))  # fmt: skip
    if isinstance(op, ExpertMatMul):
        return answer + [
            ExpertVectors(name=f"{op.name}.bias", elements=0, native_format=form, experts=op.experts,
                          experts_per_unit=op.experts_per_unit,
                          parameters_own=sum(tensor.values for tensor in others if tensor.format == form))
            for form in dict.fromkeys(tensor.format for tensor in others)
        ]  # fmt: skip
    return answer + vectors(f"{op.name}.bias", others, elements=0)


def _grouped(op: MatMul, tensors: Sequence[Tensor]) -> list[Operator] | None:
    """A product in groups is not divided: its weight is in one format, its bias may be in another."""
    weights = [tensor for tensor in tensors if _is_matrix(tensor)]
    others = [tensor for tensor in tensors if tensor not in weights]
    if len({tensor.format for tensor in weights}) != 1:
        return None
    if sum(tensor.values for tensor in weights) != op.inputs * op.outputs // op.groups:
        return None
    whole = replace(op, bias=False, extra_parameters=0, native_format=weights[0].format)
    return [whole, *vectors(f"{op.name}.bias", others, elements=0)]


def _is_matrix(tensor: Tensor) -> bool:
    return sum(extent > 1 for extent in tensor.shape) > 1 and not tensor.name.endswith("bias")


def _by_majority(op: Operator, tensors: Sequence[Tensor]) -> list[Operator] | None:
    """What cannot be divided keeps the format of most of its values; what is stored otherwise is left out of it."""
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.format] = sizes.get(tensor.format, 0) + tensor.values
    most = max(sizes, key=sizes.__getitem__)
    others = [tensor for tensor in tensors if tensor.format != most]
    own = getattr(op, "parameters_own", None)
    if own is None or op.copies != 1:
        return None
    left = own - sum(tensor.values for tensor in others)
    return [replace(op, parameters_own=left, native_format=most), *vectors(f"{op.name}.own", others, elements=0)]  # type: ignore[call-arg]
