"""Summaries of predictions against measurements: error, bias, order, and how often intervals hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

GROUPINGS = ("metric", "device", "model", "source")


def summarize(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarize in total and by metric, device, model and source."""
    answer: dict[str, Any] = {"total": _summary(rows)}
    for grouping in GROUPINGS:
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            groups.setdefault(str(row.get(grouping) or ""), []).append(row)
        answer[f"by_{grouping}"] = {name: _summary(members) for name, members in sorted(groups.items())}
    return answer


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows, refused, error in percent (median, mean, signed mean), tau, share inside, share of fits right."""
    numeric = [row for row in rows if row.get("error_percent") is not None and row.get("metric") != "fits"]
    errors = np.array([row["error_percent"] for row in numeric], dtype=float)
    inside = [
        row["low"] <= measured <= row["high"] for row in numeric if (measured := _float(row.get("value"))) is not None
    ]
    fits = [
        (row["predicted"] > 0.5) == (wanted > 0.5)
        for row in rows
        if row.get("metric") == "fits" and row.get("predicted") is not None
        and (wanted := _truth(row.get("value") or row.get("fits"))) is not None
    ]  # fmt: skip
    return {
        "rows": len(rows),
        "refused": sum(1 for row in rows if row.get("reason")),
        "median_absolute_percentage_error": _rounded(np.median(np.abs(errors)) if len(errors) else None),
        "mean_absolute_percentage_error": _rounded(np.abs(errors).mean() if len(errors) else None),
        "bias_percent": _rounded(errors.mean() if len(errors) else None),
        "kendall_tau": _rounded(_mean_tau(numeric)),
        "inside_interval": _rounded(float(np.mean(inside)) if inside else None),
        "fits_right": _rounded(float(np.mean(fits)) if fits else None),
    }


def _mean_tau(rows: Iterable[Mapping[str, Any]]) -> float | None:
    """Kendall's tau-b within each model, task and metric, weighted by the number of pairs."""
    groups: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for row in rows:
        key = (str(row.get("model")), str(row.get("task")), str(row.get("metric")))
        groups.setdefault(key, []).append((float(row["predicted"]), float(row["value"])))
    total = weight = 0.0
    for pairs in groups.values():
        tau = kendall_tau(np.array(pairs))
        if tau is not None:
            count = len(pairs) * (len(pairs) - 1) / 2
            total += tau * count
            weight += count
    return total / weight if weight else None


def kendall_tau(pairs: Any) -> float | None:
    """Kendall's tau-b of (n, 2) pairs; None for fewer than two or where one side is constant."""
    if len(pairs) < 2:
        return None
    upper = np.triu_indices(len(pairs), 1)
    first = np.sign(np.subtract.outer(pairs[:, 0], pairs[:, 0]))[upper]
    second = np.sign(np.subtract.outer(pairs[:, 1], pairs[:, 1]))[upper]
    scale = math.sqrt(float((first != 0).sum()) * float((second != 0).sum()))
    return float((first * second).sum() / scale) if scale else None


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _truth(value: Any) -> float | None:
    text = str(value or "").lower()
    return _float({"true": "1", "yes": "1", "false": "0", "no": "0"}.get(text, text))


def _rounded(value: Any) -> float | None:
    return None if value is None else float(f"{float(value):.4g}")
