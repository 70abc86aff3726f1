"""Walks a serialised program of ``torch.export``. Field names: ``torch/_export/serde/schema.py``."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from advisor.operators import Operator
from advisor_graph.placed import Placed
from advisor_torch.archive import ArchiveError
from advisor_torch.operators import apply
from advisor_torch.values import Call, Value, stored

MOST_NODES = 200_000
MOST_RANK = 64
MOST_SIZE = 1 << 48
MOST_DEPTH = 12

#: ``ScalarType`` of the schema.
KINDS = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
         9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16",
         29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz"}  # fmt: skip
_OPERATORS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
#: Functions of sympy and torch in its written form, such as ``Mul(Integer(2), Symbol('s0', positive=True))``.
_FUNCTIONS: dict[str, Any] = {
    "FloorDiv": operator.floordiv, "CleanDiv": operator.floordiv, "IntTrueDiv": operator.truediv, "Mod": operator.mod,
    "PythonMod": operator.mod, "CeilDiv": lambda a, b: -(-a // b), "Max": max, "Min": min, "Integer": Fraction,
    "Rational": Fraction, "Add": lambda *terms: sum(terms), "Mul": lambda *factors: math.prod(factors),
    "CeilToInt": math.ceil, "FloorToInt": math.floor, "ceiling": math.ceil, "floor": math.floor, "Abs": abs,
}  # fmt: skip
_SYMBOL = re.compile(r"^(?:Symbol\('(\w+)'.*\)|([A-Za-z_]\w*))$")


class Program:
    """One serialised program; ``dims`` are sizes that the user gave for its symbols."""

    def __init__(self, document: Mapping[str, Any], dims: Mapping[str, int]) -> None:
        module = document["graph_module"]
        self.graph = _mapping(module, "graph")
        self.signature = _mapping(module, "signature")
        self.dims = dims
        self.symbols: dict[str, int] = {}
        self.placed: list[Placed] = []
        self.notes: dict[str, None] = {}
        self.weights: list[Any] = []
        self.shapes: list[tuple[int, ...]] = []
        self._by_module: dict[str, Placed] = {}
        self._nodes = 0

    def walk(self) -> None:
        """Walk the program from its inputs."""
        metas = _mapping(self.graph, "tensor_values")
        values: dict[str, Value] = {}
        shared: dict[str, Value] = {}
        for entry in _list(self.signature, "input_specs"):
            kind, spec = next(iter(entry.items()), ("", {})) if isinstance(entry, Mapping) else ("", {})
            spec = spec if isinstance(spec, Mapping) else {}
            name = _name(spec.get("arg"))
            if name not in metas:
                continue
            shape, dtype = self._meta(name, metas)
            if kind in ("parameter", "buffer", "tensor_constant"):
                title = str(spec.get("parameter_name") or spec.get("buffer_name") or name)[:200]
                if title not in shared:
                    shared[title] = stored(title, shape, dtype, kind == "parameter")
                    self.weights += shared[title].weights
                values[name] = shared[title]
            elif kind == "user_input":
                values[name] = Value(shape, dtype)
                self.shapes.append(shape)
        self._graph(self.graph, values, 0)

    def _graph(self, graph: Mapping[str, Any], values: dict[str, Value], depth: int) -> None:
        if depth > MOST_DEPTH:
            raise ArchiveError(f"graphs are nested more than {MOST_DEPTH} deep")
        metas = _mapping(graph, "tensor_values")
        for node in _list(graph, "nodes"):
            self._nodes += 1
            if self._nodes > MOST_NODES:
                raise ArchiveError(f"holds more than {MOST_NODES} nodes; this reader stops there")
            if isinstance(node, Mapping):
                self._node(node, values, metas, depth)

    def _node(self, node: Mapping[str, Any], values: dict[str, Value], metas: Mapping[str, Any], depth: int) -> None:
        target = str(node.get("target", ""))
        arguments: dict[str, Any] = {}
        for position, entry in enumerate(_list(node, "inputs")):
            if isinstance(entry, Mapping):
                arguments[str(entry.get("name") or position)] = self._argument(entry.get("arg"), values, metas)
        outputs = [self._value(name, values, metas, fresh=True) for entry in _list(node, "outputs")
                   for name in _names(entry) if name in metas]  # fmt: skip
        parts = target.split(".")
        if not target.startswith("torch.ops.") or len(parts) < 4:
            return  # arithmetic on sizes
        space, op = parts[2], parts[3]
        path, kind = _module(node)
        if path not in self._by_module:
            self._by_module[path] = Placed(path or kind or "program", kind or "Program")
            self.placed.append(self._by_module[path])
        call = Call(op, arguments, outputs, self._by_module[path])
        if space == "higher_order":
            self._higher_order(op, node, call, values, depth)
        elif space in ("aten", "prims", "quantized_decomposed"):
            try:
                apply(call)
            except (LookupError, ValueError, TypeError, ZeroDivisionError, AttributeError, AssertionError) as error:
                raise ArchiveError(f"node {target[:60]!r}: its arguments do not fit ({str(error)[:80]})") from None
        elif space not in ("symbolic_shape", "sym"):
            self._unknown(call, f"{space}::{op}"[:80])

    def _higher_order(self, op: str, node: Mapping[str, Any], call: Call, values: dict[str, Value], depth: int) -> None:
        """Walk the graphs that a node holds: a wrapper's one, of a branch the costlier one."""
        graphs = [
            found["graph"]
            for entry in _list(node, "inputs")
            if isinstance(entry, Mapping)
            and isinstance(entry.get("arg"), Mapping)
            and isinstance(found := entry["arg"].get("as_graph"), Mapping)
            and isinstance(found.get("graph"), Mapping)
        ]
        if not graphs or not (op.startswith("wrap") or op == "cond"):
            self._unknown(call, f"higher_order::{op}"[:80])
            return
        best: list[Placed] = []
        for graph in graphs:
            names = [name for entry in _list(graph, "inputs") for name in _names(entry)]
            inner = dict(zip(names, call.tensors[-len(names) :] if names else [], strict=False))
            before, modules = self.placed, self._by_module
            self.placed, self._by_module = [], {}
            self._graph(graph, inner, depth + 1)
            collected = self.placed
            self.placed, self._by_module = before, modules
            best = max(best, collected, key=_work)
        self.placed += best
        if len(graphs) > 1:
            self.notes["a branch depends on data; the costlier side is counted"] = None

    def _unknown(self, call: Call, name: str) -> None:
        why = f"{name} is not an operator of torch"
        call.placed.operators.append(Operator(name="unknown", unknown=why))
        if len(self.notes) < 100:
            self.notes[f"module {call.placed.name[:80]}: {why}; its FLOPs are not counted"] = None
        call.placed.stored("weights", call.claim(*call.tensors))

    def _value(self, name: str, values: dict[str, Value], metas: Mapping[str, Any], fresh: bool = False) -> Value:
        if fresh or name not in values:
            values[name] = Value(*self._meta(name, metas))
        return values[name]

    def _meta(self, name: str, metas: Mapping[str, Any]) -> tuple[tuple[int, ...], str]:
        meta = metas.get(name)
        sizes = meta.get("sizes") if isinstance(meta, Mapping) else None
        if not isinstance(meta, Mapping) or not isinstance(sizes, list) or len(sizes) > MOST_RANK:
            raise ArchiveError(f"tensor {name[:60]!r} has no sizes")
        shape = tuple(self._size(size) for size in sizes)
        total = 1
        for size in shape:
            total *= size
        if total > MOST_SIZE:
            raise ArchiveError(f"tensor {name[:60]!r} claims {total:.3g} values")
        dtype = meta.get("dtype")
        return shape, KINDS.get(dtype, "float32") if isinstance(dtype, int) else "float32"

    def _size(self, entry: Any) -> int:
        size = entry.get("as_int") if isinstance(entry, Mapping) else None
        if size is None and isinstance(entry, Mapping) and isinstance(entry.get("as_expr"), Mapping):
            size = self._expression(entry["as_expr"])
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST_SIZE:
            raise ArchiveError(f"a size is {str(entry)[:60]}; expected a whole number of zero or more")
        return size

    def _expression(self, entry: Mapping[str, Any]) -> int | None:
        text, hint = str(entry.get("expr_str", "")), entry.get("hint")
        known = hint.get("as_int") if isinstance(hint, Mapping) else None
        symbol = _SYMBOL.match(text)
        if symbol is not None and isinstance(known, int) and not isinstance(known, bool):
            self.symbols.setdefault(symbol[1] or symbol[2], known)
        if not self.dims and isinstance(known, int):
            return known
        return self._computed(text, known)

    def _computed(self, text: str, known: int | None) -> int | None:
        if len(text) > 2000:
            raise ArchiveError(f"the size {text[:40]!r} is too complicated")
        try:
            value = _evaluate(ast.parse(text, mode="eval").body, {**self.symbols, **self.dims})
            return int(value) if value == int(value) else None
        except (SyntaxError, ValueError, KeyError, ArithmeticError, RecursionError, TypeError, MemoryError):
            if known is not None and not self.dims:
                return known
            raise ArchiveError(
                f"the size {text[:60]!r} cannot be worked out; give its symbols with --dim NAME=SIZE"
            ) from None

    def _argument(self, given: Any, values: dict[str, Value], metas: Mapping[str, Any]) -> Any:
        if not isinstance(given, Mapping) or not given:
            return None
        kind, found = next(iter(given.items()))
        if kind == "as_tensor":
            name = _name(given)
            return self._value(name, values, metas) if name in values or name in metas else None
        if kind in ("as_tensors", "as_optional_tensors"):
            names = [name for entry in found if isinstance(found, list) for name in _names(entry)]
            return [self._value(name, values, metas) for name in names if name in values or name in metas]
        if kind in ("as_int", "as_ints", "as_bool", "as_float", "as_string", "as_floats", "as_bools"):
            return found
        return None


def _evaluate(node: ast.expr, symbols: Mapping[str, int]) -> Any:
    """Exact arithmetic on symbols, and nothing else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return Fraction(node.value)
    if isinstance(node, ast.Name):
        return Fraction(symbols[node.id])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand, symbols)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        value: Any = _OPERATORS[type(node.op)](_evaluate(node.left, symbols), _evaluate(node.right, symbols))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "Symbol" and node.args and isinstance(node.args[0], ast.Constant):
            return Fraction(symbols[str(node.args[0].value)])
        values = [_evaluate(one, symbols) for one in node.args]
        if node.func.id == "Pow" and len(values) == 2 and abs(values[1]) <= 8:
            value = values[0] ** int(values[1])
        else:
            value = _FUNCTIONS[node.func.id](*values)
    else:
        raise ValueError("unknown expression")
    if abs(value) > MOST_SIZE or getattr(value, "denominator", 1) > MOST_SIZE:
        raise ValueError("too large")
    return value


def _work(placed: list[Placed]) -> int:
    return sum(op.copies * (int(op.flops(1)) + op.activation_elements) for one in placed for op in one.operators)


def _module(node: Mapping[str, Any]) -> tuple[str, str]:
    """Path and class of the innermost module that a node came from: ``key,path,type`` for each, after semicolons."""
    meta = node.get("metadata")
    stack = meta.get("nn_module_stack") if isinstance(meta, Mapping) else None
    if not isinstance(stack, str) or not stack:
        return "", ""
    key, _, kind = stack.rsplit(";", 1)[-1].rpartition(",")
    return key.partition(",")[2][:200], kind.rsplit(".", 1)[-1][:60]


def _names(entry: Any) -> Iterator[str]:
    """Names of the tensors in an argument."""
    if not isinstance(entry, Mapping):
        return
    if name := _name(entry):
        yield name
        return
    for found in entry.values():
        for one in found if isinstance(found, list) else []:
            if isinstance(one, Mapping):
                yield _name(one)


def _name(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return ""
    inner = entry.get("as_tensor", entry)
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return name if isinstance(name, str) else ""


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    if not isinstance(found, Mapping):
        raise ArchiveError(f"field {key!r} is missing; expected an object")
    return found


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    return found if isinstance(found, list) else []
