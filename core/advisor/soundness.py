"""Checks of the candidate table after a plugin has worked on it.

Only columns that were set are looked at: reading one that was not would fill it, and slow all that follows.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import COLUMNS
from advisor.errors import PluginError
from advisor.formats import FORMATS

#: What backends, techniques and scorers may not change: the stages of columns that are others' to set.
NOT_OF_TECHNIQUES = frozenset({"system", "estimate"})
NOT_OF_BACKENDS = frozenset({"system", "workload", "choice"})
#: No quantity of a candidate is beyond these; products of a few of them stay finite.
LEAST, MOST = 1e-30, 1e30

_CORE = {
    name: column for column in COLUMNS
    for name in ((column.name, f"{column.name}.low", f"{column.name}.high") if column.interval else (column.name,))
}  # fmt: skip
_CODE = (0, len(FORMATS) - 1)
_COUNT = (1, MOST)
_AMOUNT = (0, MOST)
_PART = (0, 1)
_SHARE = (1e-6, 1e6)
#: What the columns that techniques choose may hold; backends divide by them, and look codes up.
_BOUNDS: dict[str, tuple[float, float]] = {
    "weight_format": _CODE, "compute_format": _CODE, "cache_format": _CODE,
    "input_tokens": _COUNT, "output_tokens": _COUNT, "sequence_length": _COUNT, "batch": _COUNT,
    "global_batch": _COUNT, "micro_batch": _COUNT,
    "tensor_parallel": _COUNT, "pipeline_parallel": _COUNT, "context_parallel": _COUNT, "expert_parallel": _COUNT,
    "optimizer_offload": _PART, "weight_offload": _PART, "activation_offload": _PART, "saved_input_share": _AMOUNT,
    "adapter_inputs": _AMOUNT, "adapter_pass_bytes": _AMOUNT,
    "adapter_traffic_bytes": _AMOUNT, "virtual_tokens": _AMOUNT, "backward_share": _PART, "pipeline_schedule": (0, 2),
    "data_parallel": _COUNT, "virtual_stages": _COUNT, "shard_stage": (0, 3), "recompute": (0, 2),
    "weight_bits": _SHARE, "cache_bits": _SHARE, "table_bits": _AMOUNT, "parameter_share": _SHARE,
    "flops_share": _SHARE, "block_share": _SHARE,
    "matrix_speedup": _SHARE, "trainable_share": _AMOUNT, "adapter_parameters": _AMOUNT,
    "optimizer_bytes": _AMOUNT, "gradient_bytes": _AMOUNT, "sample_gradient_bytes": _AMOUNT,
    "slowdown": _SHARE, "slowdown_low": _SHARE,
    "slowdown_high": _SHARE, "quality.low": _AMOUNT, "quality.high": _AMOUNT,
}  # fmt: skip


def protected(rows: Candidates, stages: frozenset[str]) -> dict[str, Array]:
    """The columns that a plugin may not change, as they are before it is called."""
    return {name: rows[name] for name in rows.names if _is_protected(name, stages)}


def check_kept(rows: Candidates, given: dict[str, Array], stages: frozenset[str]) -> None:
    """Refuse a table in which a plugin changed such a column, or set one that was at its default."""
    for name in rows.names:
        if _is_protected(name, stages):
            now, before = rows[name], given.get(name)
            if now is not before and (now != (rows.schema[name].default if before is None else before)).any():
                raise PluginError(f"changed column {name!r}, which is not its to change")


@cache
def _is_protected(name: str, stages: frozenset[str]) -> bool:
    column = _CORE.get(name)
    own = name.startswith("choice.") or name in ("framework", "frameworks")
    return own or (column is not None and column.stage in stages)


def check_choices(rows: Candidates, names: Collection[str]) -> None:
    """Refuse choices that no backend could work with: unknown formats, no devices, shares below zero."""
    if not len(rows):
        return
    for name in names:
        if name not in _BOUNDS:
            continue
        least, most = _BOUNDS[name]
        lowest, highest = rows[name].min(), rows[name].max()
        if lowest < least or highest > most:
            wrong = lowest if lowest < least else highest
            wanted = f"{least:g} to {most:g}" if most < MOST else f"{least:g} or more"
            raise PluginError(f"column {name!r} holds {wrong:g}; expected {wanted}")
    if any(name.startswith("quality") for name in names):
        quality, low, high = rows["quality"], rows["quality.low"], rows["quality.high"]
        if (low > quality + 1e-9).any() or (high < quality - 1e-9).any():
            raise PluginError("'quality' lies outside its own interval")


def check_finite(rows: Candidates, names: Collection[str]) -> None:
    """Refuse columns that hold a non-finite number."""
    for name in names:
        array = rows[name]
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise PluginError(f"column {name!r} holds a number that is not finite")


def check_from_zero(rows: Candidates, names: Collection[str], *, strictly: bool) -> None:
    """Refuse numbers that are not finite, and those that no time, rate, size or power can be."""
    check_finite(rows, names)
    for name in names:
        lowest, highest = rows[name].min(initial=np.inf), rows[name].max(initial=0.0)
        if lowest < (LEAST if strictly else 0) or highest > MOST:
            least = "above zero" if strictly else "of zero or more"
            wrong = highest if highest > MOST else lowest
            raise PluginError(f"column {name!r} holds {wrong:g}; expected numbers {least}, and no wild ones")


def check_interval(rows: Candidates, name: str, *, strictly: bool) -> None:
    """Refuse an estimate that was not set, or that is not between its low and its high."""
    for part in (name, f"{name}.low", f"{name}.high"):
        if part not in rows:
            raise PluginError(f"did not set {part!r}")
    check_from_zero(rows, [name, f"{name}.low", f"{name}.high"], strictly=strictly)
    value, low, high = rows[name], rows[f"{name}.low"], rows[f"{name}.high"]
    slack = 1e-9 * np.abs(value)
    if (low > value + slack).any() or (high < value - slack).any():
        raise PluginError(f"{name!r} lies outside its own interval")
