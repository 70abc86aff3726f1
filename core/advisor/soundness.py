"""Checks of the candidate table after a plugin has worked on it.

Only columns that were set are looked at: reading one that was not would fill it, and slow all that follows.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import SYSTEM
from advisor.errors import PluginError
from advisor.formats import FORMATS

_CODE = (0, len(FORMATS) - 1)
_COUNT = (1, np.inf)
_AMOUNT = (0, np.inf)
#: What the columns that techniques choose may hold; backends divide by the counts and look the codes up.
_BOUNDS: dict[str, tuple[int, float]] = {
    "weight_format": _CODE, "compute_format": _CODE, "cache_format": _CODE,
    "tensor_parallel": _COUNT, "pipeline_parallel": _COUNT, "context_parallel": _COUNT, "expert_parallel": _COUNT,
    "data_parallel": _COUNT, "virtual_stages": _COUNT,
    "shard_stage": (0, 3), "recompute": (0, 2),
    "weight_bits": _AMOUNT, "cache_bits": _AMOUNT, "parameter_share": _AMOUNT, "flops_share": _AMOUNT,
    "matrix_speedup": _AMOUNT, "adapter_parameters": _AMOUNT, "trainable_share": _AMOUNT,
    "optimizer_bytes": _AMOUNT, "gradient_bytes": _AMOUNT, "quality.low": _AMOUNT,
}  # fmt: skip


def protected(rows: Candidates) -> dict[str, Array]:
    """The columns that are core's own: what hardware a row is of, and which techniques it uses."""
    own = {column.name for column in SYSTEM}
    return {name: rows[name] for name in rows.names if name in own or name.startswith("choice.")}


def check_kept(rows: Candidates, given: dict[str, Array]) -> None:
    """Refuse a table in which a plugin changed columns that are core's own."""
    changed = [name for name, array in given.items() if rows[name] is not array and (rows[name] != array).any()]
    changed += [name for name in rows.names if name.startswith("choice.") and name not in given and rows[name].any()]
    if changed:
        raise PluginError(f"changed column {changed[0]!r}, which is not a plugin's to change")


def check_choices(rows: Candidates) -> None:
    """Refuse choices that no backend could work with: unknown formats, no devices, shares below zero."""
    if not len(rows):
        return
    for name, (least, most) in _BOUNDS.items():
        if name in rows and (rows[name].min() < least or rows[name].max() > most):
            wrong = rows[name].min() if rows[name].min() < least else rows[name].max()
            wanted = f"{least} to {most}" if np.isfinite(most) else f"{least} or more"
            raise PluginError(f"column {name!r} holds {wrong:g}; expected {wanted}")
    if "quality" in rows:
        quality, low, high = rows["quality"], rows["quality.low"], rows["quality.high"]
        if (low > quality + 1e-9).any() or (high < quality - 1e-9).any():
            raise PluginError("'quality' lies outside its own interval")


def check_finite(rows: Candidates, names: list[str]) -> None:
    """Refuse columns that hold a non-finite number."""
    for name in names:
        array = rows[name]
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise PluginError(f"column {name!r} holds a number that is not finite")


def check_from_zero(rows: Candidates, names: list[str], *, strictly: bool) -> None:
    """Refuse numbers that are not finite, and those that no time, rate, size or power can be."""
    check_finite(rows, names)
    for name in names:
        lowest = rows[name].min(initial=np.inf)
        if lowest < 0 or (strictly and lowest == 0):
            least = "above zero" if strictly else "of zero or more"
            raise PluginError(f"column {name!r} holds {lowest:g}; expected numbers {least}")


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
