"""Control flow: of a branch the costlier side is counted, a loop as often as the file says."""

from __future__ import annotations

from advisor.operators import Elementwise, Operator
from advisor.records import replace
from advisor_graph.operators import repeated
from advisor_graph.placed import Placed
from advisor_onnx.call import Call
from advisor_onnx.document import Graph
from advisor_onnx.errors import shown
from advisor_onnx.nodes import node
from advisor_onnx.nodes.sequences import sequence
from advisor_onnx.values import Value, known

MOST_TIMES = 1 << 24


def _body(call: Call, name: str) -> Graph:
    graph = call.attributes.get(name)
    if not isinstance(graph, Graph):
        raise call.fail(f"attribute {name} is missing; expected a graph")
    return graph


def _work(placed: list[Placed]) -> int:
    return sum(op.copies * (int(op.flops(1)) + op.activation_elements) for one in placed for op in one.operators)


def _idle(op: Operator) -> Operator | None:
    """The parameters of an operator that does not run."""
    if not op.parameters:
        return None
    return Elementwise(name=op.name, copies=op.copies, elements=0, parameters_own=op.parameters,
                       native_format=op.native_format)  # fmt: skip


@node("If")
def branch(call: Call) -> list[Value]:
    """Runs one graph or another."""
    condition = call.value(0)
    sides = [_body(call, "then_branch"), _body(call, "else_branch")]
    if condition.data is not None and condition.data.size == 1:
        taken = 0 if bool(condition.data.reshape(-1)[0]) else 1
        outputs, collected = call.walk.subgraph(call, sides[taken], [])
        call.walk.placed += collected
        return outputs
    results = [call.walk.subgraph(call, side, []) for side in sides]
    taken = 0 if _work(results[0][1]) >= _work(results[1][1]) else 1
    call.walk.note(f"node {shown(call.placed.name)}: which branch runs depends on data; the costlier one is counted")
    outputs, collected = results[taken]
    for one in results[1 - taken][1]:
        kept = [op for op in map(_idle, one.operators) if op is not None]
        if kept:
            collected.append(Placed(one.name, one.kind, kept, one.weights))
    call.walk.placed += collected
    return [replace(value, constant=False, data=None, weights=()) for value in outputs]


def _times(placed: list[Placed], times: int) -> list[Placed]:
    if times == 0:
        return [
            Placed(one.name, one.kind, [op for op in map(_idle, one.operators) if op], one.weights) for one in placed
        ]
    if times == 1:
        return placed
    return [replace(one, operators=[repeated(op, times) for op in one.operators]) for one in placed]


def _varying(value: Value) -> Value:
    """A value that changes from round to round, so that its contents are not known."""
    return replace(value, constant=False, data=None, weights=(), product=None)


@node("Loop")
def loop(call: Call) -> list[Value]:
    """Count, condition, then what is carried from round to round."""
    body = _body(call, "body")
    count, condition = call.data(0), call.optional(1)
    carried = [_varying(value) for value in call.inputs[2:] if value is not None]
    if count and 0 <= count[0] <= MOST_TIMES:
        times = count[0]
    else:
        times = 1
        call.walk.note(f"node {shown(call.placed.name)}: how often it runs depends on data; once is counted")
    if (
        condition is not None
        and condition.data is not None
        and condition.data.size
        and not condition.data.reshape(-1)[0]
    ):
        times = 0
    # The number of the round is not known, but the first is as good as any for shapes.
    outputs, collected = call.walk.subgraph(call, body, [_varying(known(0)), _varying(known(True, 9)), *carried])
    call.walk.placed += _times(collected, times)
    states = [_varying(value) for value in outputs[1 : 1 + len(carried)]] if times else carried
    for index, (before, after) in enumerate(zip(carried, states, strict=False)):
        if after.items is not None and before.items is not None:
            grown = len(after.items) - len(before.items)
            if 0 < grown * times <= 10_000 and after.items:
                states[index] = sequence([*before.items, *[_varying(after.items[-1])] * (grown * times)])
        elif before.shape != after.shape:
            call.walk.note(
                f"node {shown(call.placed.name)}: what it carries changes its shape; the first round is counted"
            )
    return [*states, *(Value((times, *value.shape), value.dtype) for value in outputs[1 + len(carried) :])]


@node("Scan")
def scan(call: Call) -> list[Value]:
    """Runs a graph along an axis of its inputs."""
    body = _body(call, "body")
    early = bool(call.opset) and call.opset < 9
    given = call.inputs[1:] if early else call.inputs
    count = call.integer("num_scan_inputs", least=1)
    values = [value for value in given if value is not None]
    first = len(values) - count
    if first < 0:
        raise call.fail(f"scans {count} inputs and has {len(values)}")
    lead = 1 if early else 0  # opset 8 scans each sample of a batch
    axes = call.integers("scan_input_axes", count=None) or [0] * count
    states = [_varying(value) for value in values[:first]]
    if early:
        states = [value.viewed(value.shape[1:]) if value.rank and value.shape[0] == 1 else
                  Value(value.shape[1:], value.dtype) for value in states]  # fmt: skip
    items, times = [], 0
    for value, axis in zip(values[first:], axes, strict=False):
        place = call.axis(axis, value.rank - lead) + lead
        times = value.shape[place]
        items.append(Value((*value.shape[lead:place], *value.shape[place + 1 :]), value.dtype))
    batch = values[first].shape[0] if early else 1
    outputs, collected = call.walk.subgraph(call, body, [*states, *items])
    call.walk.placed += _times(collected, times * batch)
    ends = [
        value if not early else Value((batch, *value.shape), value.dtype) for value in map(_varying, outputs[:first])
    ]
    stacked = []
    out_axes = call.integers("scan_output_axes") or [0] * (len(outputs) - first)
    for value, axis in zip(outputs[first:], out_axes, strict=False):
        place = call.axis(axis, value.rank + 1)
        shape = (*value.shape[:place], times, *value.shape[place:])
        stacked.append(Value((batch, *shape) if early else shape, value.dtype))
    return [*ends, *stacked]


@node("SequenceMap")
def over_sequence(call: Call) -> list[Value]:
    """Runs a graph on each item of a sequence."""
    body = _body(call, "body")
    items = call.value(0).items or []
    others = call.present[1:]
    results: list[list[Value]] = []
    for place, item in enumerate(items[:1000]):
        given = [item, *(other.items[place] if other.items and place < len(other.items) else other for other in others)]
        outputs, collected = call.walk.subgraph(call, body, given)
        call.walk.placed += collected
        results.append(outputs)
    count = len(call.node.outputs)
    return [sequence([outputs[index] for outputs in results if index < len(outputs)]) for index in range(count)]
