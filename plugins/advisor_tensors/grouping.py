"""Blocks of the same operators become one layer with a count."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from advisor.models import Layer
from advisor.operators import Operator


def grouped(blocks: Mapping[int, tuple[Operator, ...]], prefix: str = "layers", kind: str = "decoder",
            stack: str = "main") -> list[Layer]:  # fmt: skip
    """One ``Layer`` for all blocks of the same operators, in the order in which they first come."""
    members: dict[tuple[Operator, ...], list[int]] = {}
    for index in sorted(blocks):
        if blocks[index]:
            members.setdefault(blocks[index], []).append(index)
    return [Layer(name=f"{prefix}.{span(indices)}", kind=kind, operators=operators, count=len(indices), stack=stack)
            for operators, indices in members.items()]  # fmt: skip


def span(indices: list[int]) -> str:
    """``3-60``, ``0-34:2`` where every second one is meant, else the runs, shortened."""
    if len(indices) == 1:
        return str(indices[0])
    steps = {after - before for before, after in pairwise(indices)}
    if len(steps) == 1:
        step = steps.pop()
        return f"{indices[0]}-{indices[-1]}" + (f":{step}" if step > 1 else "")
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    names = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    return ",".join(names) if len(names) <= 3 else ",".join([*names[:2], "...", names[-1]])
