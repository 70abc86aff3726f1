"""Matrix products and convolutions of ATen. FLOPs follow ``torch.utils.flop_counter``."""

from __future__ import annotations

import math

from advisor.operators import Convolution, ExpertMatMul, MatMul
from advisor_graph.operators import Product, TransposedConvolution
from advisor_torch.operators import move, rule
from advisor_torch.values import Call, Value


def matrix_product(call: Call, data: Value, kernel: Value, copies: int, rows: int, inner: int, columns: int,
                   bias: Value | None = None) -> None:  # fmt: skip
    """Add ``copies`` products of ``rows x inner`` by ``inner x columns``."""
    if data.constant and not kernel.constant:
        data, kernel, rows, columns = kernel, data, columns, rows
    place = len(call.placed.operators)
    saved = data.keep() + (0 if kernel.constant else kernel.keep())
    biased = call.claim(bias)
    if kernel.constant and kernel.weights:
        op = MatMul(name="kernel", inputs=inner, outputs=columns, positions=rows, copies=copies, split="columns",
                    saved_elements=saved // max(copies, 1))  # fmt: skip
        call.placed.product(op, call.claim(kernel), biased)
    else:
        call.placed.operators.append(
            Product(
                name="product",
                inputs=inner,
                outputs=columns,
                positions=rows,
                copies=copies,
                saved_elements=saved // max(copies, 1),
            )
        )
        if biased:
            call.placed.stored("bias", biased)
    if bias is not None and not bias.constant:
        call.placed.stored("add", (), elements=2 * call.output.elements)
    assert len(call.placed.operators) > place


@rule("mm", "_scaled_mm", "_int_mm")
def mm(call: Call) -> None:
    """Rows by columns."""
    left, right = call.tensor("self"), call.tensor("mat2")
    matrix_product(call, left, right, 1, left.shape[0], left.shape[1], right.shape[1], call.maybe("bias"))


@rule("addmm")
def addmm(call: Call) -> None:
    """A product and a bias."""
    left, right = call.tensor("mat1"), call.tensor("mat2")
    matrix_product(call, left, right, 1, left.shape[0], left.shape[1], right.shape[1], call.tensor("self"))


@rule("bmm", "baddbmm")
def bmm(call: Call) -> None:
    """A stack of products."""
    left, right = call.tensor("batch1" if call.op == "baddbmm" else "self"), call.tensor("batch2", "mat2")
    bias = call.tensor("self") if call.op == "baddbmm" else None
    copies, rows, inner = left.shape
    columns = right.shape[2]
    held = [weight.elements for weight in right.weights]
    if right.constant and copies > 1 and sum(held) * copies == right.elements * 1 and len(held) == 1:
        copies, rows = 1, rows * copies  # one weight, expanded over the batch
    matrix_product(call, left, right, copies, rows, inner, columns, bias)


@rule("linear")
def linear(call: Call) -> None:
    """Rows by the columns of a transposed weight."""
    data, weight = call.tensor("input"), call.tensor("weight")
    outputs = weight.shape[0] if len(weight.shape) > 1 else 1
    matrix_product(call, data, weight, 1, data.elements // max(data.shape[-1], 1), data.shape[-1], outputs,
                   call.maybe("bias"))  # fmt: skip


@rule("matmul", "mv", "dot", "vdot", "addmv")
def matmul(call: Call) -> None:
    """A product by the rules of ``torch.matmul``."""
    left = call.tensor("mat") if call.op == "addmv" else call.tensor("self")
    right = call.tensor("other", "vec", "tensor")
    first = left.shape if len(left.shape) > 1 else (1, *left.shape)
    second = right.shape if len(right.shape) > 1 else (*right.shape, 1)
    inner = first[-1]
    bias = call.maybe("self") if call.op == "addmv" else None
    batch = max(math.prod(first[:-2]), math.prod(second[:-2]),
                call.output.elements // max(first[-2] * second[-1], 1))  # fmt: skip
    if right.constant or math.prod(second[:-2]) == 1:
        stacked = math.prod(second[:-2])
        matrix_product(call, left, right, stacked, batch * first[-2] // max(stacked, 1), inner, second[-1], bias)
    else:
        matrix_product(call, left, right, batch, first[-2], inner, second[-1], bias)


@rule("einsum")
def einsum(call: Call) -> None:
    """A sum of products named by letters, one pair after the other."""
    terms = str(call.get("equation", "")).replace(" ", "").split("->")
    parts, values = terms[0].split(","), call.tensors
    if len(terms) != 2 or len(parts) != len(values) or any("..." in part for part in parts) or \
            any(len(part) != len(value.shape) for part, value in zip(parts, values, strict=True)):  # fmt: skip
        move(call)
        call.placed.stored("einsum", call.claim(*values))
        return
    sizes = {letter: size for part, value in zip(parts, values, strict=True)
             for letter, size in zip(part, value.shape, strict=True)}  # fmt: skip
    first, held = set(parts[0]), values[0]
    for position in range(1, len(parts)):
        second, later = set(parts[position]), set(terms[1]).union(*parts[position + 1 :])
        summed = {letter for letter in first & second if letter not in later}
        shared = (first & second) - summed
        alone = ({letter for letter in a - b if letter in later} for a, b in ((first, second), (second, first)))
        copies, inner, rows, columns = (math.prod(sizes[one] for one in part) for part in (shared, summed, *alone))
        if summed:
            matrix_product(call, held, values[position], copies, rows, inner, columns)
        else:
            move(call)
        first = (first | second) & later
        held = Value(tuple(sizes[letter] for letter in sorted(first)))


@rule("_grouped_mm", "_scaled_grouped_mm")
def grouped(call: Call) -> None:
    """Rows in groups, each with a weight of its own: a row meets one weight."""
    left, right = call.tensor("self"), call.tensor("mat2")
    rows, inner, columns = left.elements // max(left.shape[-1], 1), left.shape[-1], right.shape[-1]
    experts = right.shape[0] if len(right.shape) == 3 else 0
    weights = call.claim(right)
    if experts and weights and sum(weight.elements for weight in weights) == experts * inner * columns:
        call.placed.operators.append(ExpertMatMul(
            name="experts", inputs=inner, outputs=columns, experts=experts, experts_per_unit=1, positions=rows,
            native_format=weights[0].format, saved_elements=left.keep(),
        ))  # fmt: skip
        return
    call.placed.operators.append(MatMul(name="experts", inputs=inner, outputs=columns, positions=rows, tied=True))
    if weights:
        call.placed.stored("weights", weights)


@rule(
    "convolution",
    "_convolution",
    "cudnn_convolution",
    "mkldnn_convolution",
    "convolution_overrideable",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "_slow_conv2d_forward",
    "conv_tbc",
    "thnn_conv2d",
    "slow_conv3d",
    "_conv_depthwise2d",
    "conv_depthwise3d",
)
def convolution(call: Call) -> None:
    """A convolution, or a transposed one."""
    data, weight, bias = call.tensor("input", "self"), call.tensor("weight"), call.maybe("bias")
    output = call.output
    groups = int(call.get("groups", 1))
    saved = data.keep()
    window = math.prod(weight.shape[2:])
    rank = len(weight.shape) - 2
    filters_axis = output.shape[-rank - 1]
    batch = output.elements // max(filters_axis * math.prod(output.shape[-rank:]), 1)
    if call.get("transposed", False) or "transpose" in call.op:
        channels, filters = weight.shape[0], weight.shape[1] * groups
        op: MatMul = TransposedConvolution(
            name="kernel", inputs=channels, outputs=window * filters, groups=groups, saved_elements=saved,
            positions=batch * math.prod(data.shape[-rank:]), input_elements=data.elements,
            output_elements=output.elements, split="columns",
        )  # fmt: skip
    else:
        filters, channels = weight.shape[0], weight.shape[1] * groups
        op = Convolution(
            name="kernel",
            inputs=window * channels,
            outputs=filters,
            groups=groups,
            split="columns",
            saved_elements=saved,
            positions=batch * math.prod(output.shape[-rank:]),
            input_elements=data.elements,
        )
    call.placed.product(op, call.claim(weight), call.claim(bias))
