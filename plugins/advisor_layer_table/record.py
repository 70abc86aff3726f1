"""Makes the layer table of a network that torch can run: ``python -m advisor_layer_table.record timm NAME [SIZE]``.

The network is run once on the meta device, without weights, and each operation noted as torch dispatches
it. Needs torch, and timm for its networks; nothing of the advisor imports this module.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import Any

Row = tuple[Any, ...]
#: Operations that leave a view or nothing to compute.
_FREE = {"_unsafe_view", "detach", "alias", "lift_fresh"}
#: Operations whose result, or input, the backward pass does not need.
_KEEPS_NOTHING = {"add", "add_", "cat", "mean", "constant_pad_nd", "clone", "_to_copy", "avg_pool2d", "dropout"}


def record(module: Any, shape: tuple[int, ...], family: str, weight_format: str = "fp32") -> dict[str, Any]:
    """Return the table of a module (on the meta device) for one sample of ``shape`` (channels, height, width)."""
    import torch  # type: ignore[import-not-found, unused-ignore]
    from torch.utils._python_dispatch import TorchDispatchMode  # type: ignore[import-not-found, unused-ignore]

    noted: list[tuple[str, Row]] = []
    seen: set[int] = set()
    place = ["input"]

    class Notes(TorchDispatchMode):  # type: ignore[misc, unused-ignore]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            name = func._schema.name.split("::")[1]
            if not func.is_view and name not in _FREE:
                row, positions = _row(name, args, out, seen)
                if positions:
                    place[0] = positions
                if row is not None:
                    noted.append((place[0], row))
            return out

    module = module.eval()
    with torch.no_grad(), Notes():
        module(torch.empty(1, *shape, device="meta"))
    total = sum(parameter.numel() for parameter in module.parameters())
    stages = _stages(noted)
    left = total - sum(_parameters(row) for stage in stages for row in stage["rows"])
    if left < 0:
        raise ValueError(f"{family}: the table has {-left} parameters more than the module: some weights are shared")
    if left:
        stages[-1]["rows"].append(["elementwise", 1, 0, left, 0, "other_parameters"])
    return {"layer_table": 1, "family": family, "input": list(shape), "weight_format": weight_format, "stages": stages}


def _row(name: str, args: Any, out: Any, seen: set[int]) -> tuple[Row | None, str]:
    """The row of one operation, and the resolution of its result where it is a map."""
    import torch

    first = out[0] if isinstance(out, (tuple, list)) else out
    if not isinstance(first, torch.Tensor):
        return None, ""
    resolution = "x".join(map(str, first.shape[2:])) if first.dim() == 4 and math.prod(first.shape[2:]) > 1 else ""
    if name == "convolution":
        given, weight, bias, transposed, groups = args[0], args[1], args[2], args[6], args[8]
        if transposed:
            raise ValueError("transposed convolutions have no row in a layer table")
        return ("convolution", given.shape[1], weight.shape[0], math.prod(weight.shape[2:]), groups,
                int(bias is not None), math.prod(given.shape[2:]), math.prod(first.shape[2:])), resolution  # fmt: skip
    if name in ("addmm", "mm"):
        given, weight = (args[1], args[2]) if name == "addmm" else (args[0], args[1])
        return ("linear", weight.shape[0], weight.shape[1], int(name == "addmm"), given.shape[0]), resolution
    if name in ("bmm", "baddbmm") or "attention" in name:
        raise ValueError(f"{name} has no row in a layer table")
    tensors = [arg for arg in _flat(args) if isinstance(arg, torch.Tensor)]
    own = [arg for arg in tensors if isinstance(arg, torch.nn.Parameter)]
    new = sum(arg.numel() for arg in own if id(arg) not in seen)
    seen.update(id(arg) for arg in own)
    read = sum(arg.numel() for arg in tensors if not isinstance(arg, torch.nn.Parameter) and arg.dim() > 1)
    if not read:
        return None, ""
    kept = 0 if name in _KEEPS_NOTHING else first.numel()
    return ("elementwise", read + first.numel(), new, kept, name.strip("_")), resolution


def _flat(args: Any) -> list[Any]:
    return [leaf for arg in args for leaf in (arg if isinstance(arg, (tuple, list)) else (arg,))]


def _stages(noted: list[tuple[str, Row]]) -> list[dict[str, Any]]:
    """Rows by resolution, in the order of first appearance; equal ones counted."""
    stages: dict[str, Counter[Row]] = {}
    for place, row in noted:
        stages.setdefault(place, Counter())[row] += 1
    return [{"name": place, "rows": [[row[0], count, *row[1:]] for row, count in rows.items()]}
            for place, rows in stages.items()]  # fmt: skip


def _parameters(row: list[Any]) -> int:
    kind, count = row[0], row[1]
    if kind == "convolution":
        return int(count * (row[2] * row[3] * row[4] // row[5] + row[3] * row[6]))
    if kind == "linear":
        return int(count * (row[2] * row[3] + row[3] * row[4]))
    return int(count * row[3])


def lines(table: dict[str, Any]) -> str:
    """JSON with a row a line."""
    head = json.dumps({key: value for key, value in table.items() if key != "stages"})[:-1]
    return f'{head}, "stages": [\n' + ",\n".join(map(_stage_lines, table["stages"])) + "]}\n"


def _stage_lines(stage: dict[str, Any]) -> str:
    rows = ",\n".join(json.dumps(row) for row in stage["rows"])
    return f'{{"name": {json.dumps(stage["name"])}, "rows": [\n{rows}]}}'


def timm_table(name: str, size: int | None = None) -> dict[str, Any]:
    """The table of a timm network at its own input size or at ``size`` pixels."""
    import timm  # type: ignore[import-not-found, unused-ignore]
    import torch

    with torch.device("meta"):
        module = timm.create_model(name, pretrained=False)
    edges = module.default_cfg["input_size"] if size is None else (3, size, size)
    return record(module, tuple(edges), name)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] != "timm":
        sys.exit("usage: python -m advisor_layer_table.record timm NAME [SIZE]")
    sys.stdout.write(lines(timm_table(sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else None)))
