"""Recurrent layers: ``LSTM``, ``GRU``, ``RNN``."""

from __future__ import annotations

from advisor.operators import MatMul, Recurrence
from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.nodes import node
from advisor_onnx.values import Value

#: Gates, states, and saved values a unit and step.
_CELLS = {"LSTM": (4, 2, 6), "GRU": (3, 1, 5), "RNN": (1, 1, 1)}


@node("LSTM", "GRU", "RNN")
def recurrent(call: Call) -> list[Value]:
    """Sequence, input weights, recurrent weights, biases, lengths, states, peepholes."""
    gates, states, saved = _CELLS[call.node.op_type]
    data, weight, recurrence = call.value(0), call.value(1), call.value(2)
    if data.rank != 3 or weight.rank != 3 or recurrence.rank != 3:
        raise call.fail(f"input has shape {shown(data.shape)}, weights {shown(weight.shape)} and "
                        f"{shown(recurrence.shape)}; expected three axes in each")  # fmt: skip
    directions, width = weight.shape[0], recurrence.shape[2]
    hidden = call.integer("hidden_size", width, least=1)
    batch_first = bool(call.integer("layout", 0))
    batch, steps = data.shape[:2] if batch_first else data.shape[1::-1]
    if weight.shape[1:] != (gates * hidden, data.shape[2]) or recurrence.shape != (directions, gates * hidden, hidden):
        raise call.fail(f"weights have shapes {shown(weight.shape)} and {shown(recurrence.shape)} for {data.shape[2]} "
                        f"features and {hidden} units")  # fmt: skip
    if batch_first:
        shapes = [(batch, steps, directions, hidden), *[(batch, directions, hidden)] * states]
    else:
        shapes = [(steps, directions, batch, hidden), *[(directions, batch, hidden)] * states]
    outputs = [call.result(shape, data.dtype) for shape in shapes]
    if not call.constant:
        _operators(call, directions, batch * steps, data.shape[2], hidden, (gates, states, saved))
    return outputs


def _operators(
    call: Call, directions: int, positions: int, width: int, hidden: int, cell: tuple[int, int, int]
) -> None:
    """A product of all inputs at once, then a step at a time."""
    gates, states, saved = cell
    product = MatMul(name="kernel", inputs=width, outputs=gates * hidden, positions=positions, copies=directions,
                     split="columns", saved_elements=call.value(0).keep())  # fmt: skip
    call.product(product, 1)
    own = call.claim(2)
    matching = sum(weight.elements for weight in own) == directions * gates * hidden * hidden
    fmt = own[0].format if own and len({weight.format for weight in own}) == 1 else None
    matching = matching and fmt is not None
    call.emit(Recurrence(
        name="recurrent_kernel", copies=directions, state_width=states * hidden, flops_each=2 * hidden * gates * hidden,
        positions=positions, activation_width=(gates + 2 * states) * hidden, sequential=True, native_format=fmt,
        parameters_own=gates * hidden * hidden if matching else 0, saved_elements=saved * hidden * positions,
    ))  # fmt: skip
    rest = [*([] if matching else own), *call.claim(3, 7)]
    if rest:
        call.placed.stored("bias", rest)
