"""What each primitive of JAX is: products, convolutions, look-ups, loops; all others move bytes.

Names are those of https://github.com/jax-ml/jax/tree/main/jax/_src/lax.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from advisor.operators import Convolution, Elementwise, Embedding, MatMul, Operator
from advisor.records import replace
from advisor_graph.operators import TransposedConvolution, repeated
from advisor_graph.placed import Placed
from advisor_graph.weights import Weight
from advisor_jax.values import Call, Value
from advisor_torch.operators import move
from advisor_torch.products import matrix_product

_VIEWS = frozenset(
    [
        "broadcast_in_dim",
        "reshape",
        "squeeze",
        "expand_dims",
        "slice",
        "dynamic_slice",
        "rev",
        "copy",
        "copy_p",
        "stop_gradient",
        "transpose",
        "bitcast_convert_type",
        "optimization_barrier",
        "sharding_constraint",
        "pvary",
        "convert_element_type",
        "real",
        "imag",
        "split",
        "reduce_precision",
    ]
)
_FREE = frozenset(
    [
        "iota",
        "rng_uniform",
        "random_bits",
        "random_seed",
        "random_wrap",
        "random_unwrap",
        "threefry2x32",
        "create_token",
    ]
)
#: Primitives that hold a jaxpr which runs once.
_CALLS = ("jaxpr", "call_jaxpr", "fun_jaxpr", "cond_jaxpr")
MOST_DEPTH = 60


class Walk:
    """State of one walk: operators in order, and notes."""

    def __init__(self) -> None:
        self.placed: list[Placed] = []
        self.notes: dict[str, None] = {}
        self._count = 0

    def run(self, jaxpr: Any, consts: Sequence[Value], inputs: Sequence[Value], depth: int = 0) -> list[Value]:
        """Walk a jaxpr on values and return its results."""
        known: dict[Any, Value] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *inputs], strict=True))

        def read(variable: Any) -> Value:
            if hasattr(variable, "val"):  # a literal
                return Value(tuple(getattr(variable.aval, "shape", ())), str(variable.aval.dtype), constant=True)
            return known[variable]

        for equation in jaxpr.eqns:
            values = [read(variable) for variable in equation.invars]
            for variable, value in zip(equation.outvars, self._equation(equation, values, depth), strict=False):
                known[variable] = value
        return [read(variable) for variable in jaxpr.outvars]

    def _equation(self, equation: Any, values: list[Value], depth: int) -> list[Value]:
        name, params = equation.primitive.name, equation.params
        outputs = [Value(tuple(getattr(out.aval, "shape", ())), str(getattr(out.aval, "dtype", "float32")))
                   for out in equation.outvars]  # fmt: skip
        if depth < MOST_DEPTH:
            if name == "scan":
                return self._scan(params, values, outputs, depth)
            if name == "while":
                return self._while(params, values, depth)
            if name == "cond":
                return self._cond(params, values, depth)
            inner = next((params[key] for key in _CALLS if key in params), None)
            if inner is not None and hasattr(getattr(inner, "jaxpr", inner), "eqns"):
                body, consts = getattr(inner, "jaxpr", inner), _consts(inner)
                return self.run(body, consts, values[len(values) - len(body.invars) :], depth + 1)
        constant = all(value.constant for value in values)
        if name in _VIEWS:
            for output in outputs:
                first = values[0]
                output.kept, output.constant, output.weights = first.kept, first.constant, first.weights
            return outputs
        if constant:
            joined = {id(weight): weight for value in values for weight in value.weights}
            for output in outputs:
                output.constant, output.weights = True, tuple(joined.values())
            return outputs
        if name in _FREE:
            return outputs
        scope = str(equation.source_info.name_stack)
        self._count += 1
        place = Placed(f"{scope}/{name}_{self._count}"[:200] if scope else f"{name}_{self._count}", name)
        call = Call(name, dict(enumerate(values)), outputs, place)  # type: ignore[arg-type]
        rule = {"dot_general": _dot, "conv_general_dilated": _convolve, "gather": _gather}.get(name)
        if rule is None:
            move(call)
        else:
            rule(call, values, params)
        if place.operators:
            self.placed.append(place)
        return outputs

    def _inside(self, body: Any, consts: Sequence[Value], values: Sequence[Value], depth: int
                ) -> tuple[list[Value], list[Placed]]:  # fmt: skip
        before, self.placed = self.placed, []
        results = self.run(body, consts, values, depth + 1)
        collected, self.placed = self.placed, before
        return results, collected

    def _scan(self, params: Any, values: list[Value], outputs: list[Value], depth: int) -> list[Value]:
        """A body along the leading axis: weights that are scanned over are one a step, others the same each time."""
        length, consts, carried = params["length"], params["num_consts"], params["num_carry"]
        sliced: list[tuple[Weight, Weight]] = []
        items = []
        for value in values[consts + carried :]:
            shape = value.shape[1:]
            own = []
            for weight in value.weights if value.constant else ():
                part = replace(weight, elements=weight.elements // max(length, 1))
                sliced.append((weight, part))
                own.append(part)
            items.append(Value(shape, value.kind, tuple(own), constant=value.constant and bool(own)))
        states = [Value(value.shape, value.kind) for value in values[consts : consts + carried]]
        closed = params["jaxpr"]
        _, collected = self._inside(closed.jaxpr, _consts(closed), [*values[:consts], *states, *items], depth)
        parts = {part.name for _, part in sliced if part.claimed}
        for one in collected:
            scanned = any(name in parts for name in one.weights)
            one.operators = [_stepped(op, length, scanned) for op in one.operators]
        for weight, part in sliced:
            weight.claimed = weight.claimed or part.claimed
        self.placed += collected
        return outputs

    def _while(self, params: Any, values: list[Value], depth: int) -> list[Value]:
        self.notes["how often a loop runs depends on data; once is counted"] = None
        tests, consts = params["cond_nconsts"], params["body_nconsts"]
        closed = params["body_jaxpr"]
        states = [Value(value.shape, value.kind) for value in values[tests + consts :]]
        return self.run(closed.jaxpr, _consts(closed), [*values[tests : tests + consts], *states], depth + 1)

    def _cond(self, params: Any, values: list[Value], depth: int) -> list[Value]:
        self.notes["which branch runs depends on data; the costliest is counted"] = None
        found = [self._inside(branch.jaxpr, _consts(branch), values[1:], depth) for branch in params["branches"]]
        results, collected = max(found, key=lambda one: _work(one[1]))
        self.placed += collected
        return [Value(value.shape, value.kind) for value in results]


def _consts(closed: Any) -> list[Value]:
    return [Value(tuple(getattr(one, "shape", ())), str(getattr(one, "dtype", "float32")), constant=True)
            for one in getattr(closed, "consts", ())]  # fmt: skip


def _stepped(op: Operator, times: int, scanned: bool) -> Operator:
    """An operator of a loop's body: with a weight of its own each step, or the same one."""
    if scanned and op.parameters:
        return replace(op, copies=op.copies * times)
    return repeated(op, times)


def _work(placed: list[Placed]) -> int:
    return sum(op.copies * (int(op.flops(1)) + op.activation_elements) for one in placed for op in one.operators)


def _dot(call: Call, values: list[Value], params: Any) -> None:
    """Contracted and batch axes of either side, the rest free."""
    (left_inner, _), (left_batch, _) = params["dimension_numbers"]
    left, right = values
    inner = math.prod(left.shape[axis] for axis in left_inner)
    copies = math.prod(left.shape[axis] for axis in left_batch)
    rows = left.elements // max(inner * copies, 1)
    columns = right.elements // max(inner * copies, 1)
    matrix_product(call, left, right, copies, rows, inner, columns)


def _convolve(call: Call, values: list[Value], params: Any) -> None:
    """A convolution; one whose input is spread out is a transposed one."""
    data, weight = values
    numbers = params["dimension_numbers"]
    groups = params["feature_group_count"]
    output = call.output
    filters, each = weight.shape[numbers.rhs_spec[0]], weight.shape[numbers.rhs_spec[1]]
    window = math.prod(weight.shape[axis] for axis in numbers.rhs_spec[2:])
    places = math.prod(output.shape[axis] for axis in numbers.out_spec[2:]) * output.shape[numbers.out_spec[0]]
    saved = data.keep()
    if any(spread > 1 for spread in params["lhs_dilation"] or ()):
        positions = data.elements // max(data.shape[numbers.lhs_spec[1]], 1)
        op: MatMul = TransposedConvolution(
            name="kernel", inputs=each * groups, outputs=window * filters, groups=groups, positions=positions,
            input_elements=data.elements, output_elements=output.elements, split="columns", saved_elements=saved,
        )  # fmt: skip
    else:
        op = Convolution(name="kernel", inputs=window * each * groups, outputs=filters, groups=groups, positions=places,
                         input_elements=data.elements, split="columns", saved_elements=saved)  # fmt: skip
    if weight.constant:
        call.placed.product(op, call.claim(weight))
    else:
        call.placed.operators.append(replace(op, tied=True))


def _gather(call: Call, values: list[Value], params: Any) -> None:
    """Slices at indices: rows of a stored table, or of what was computed."""
    table, indices = values[0], values[1]
    sizes = params["slice_sizes"]
    weights = call.claim(table)
    whole = sum(weight.elements for weight in weights) == table.elements
    if weights and whole and len(table.shape) == 2 and tuple(sizes) == (1, table.shape[1]):
        call.placed.operators.append(Embedding(
            name="table", rows=table.shape[0], width=table.shape[1], native_format=weights[0].format,
            positions=indices.elements // max(indices.shape[-1], 1) if indices.shape else 1,
        ))  # fmt: skip
        return
    call.placed.operators.append(Elementwise(name="gather", elements=2 * call.output.elements))
    if weights:
        call.placed.stored("weights", weights)
