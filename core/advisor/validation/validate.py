"""Predictions beside measurements, row by row and in summary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.estimating import by_backend, estimate, memory
from advisor.registry import Registry
from advisor.validation.measurements import Group, read_groups
from advisor.validation.predictions import predict
from advisor.validation.summary import summarize

VALIDATE_SCHEMA = {"name": "advisor.validate", "version": 1}


@dataclass(frozen=True)
class Validation:
    """Rows with ``predicted, low, high, error_percent, reason`` beside their own columns, and summaries."""

    rows: list[dict[str, Any]]
    summary: dict[str, Any]
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"schema": VALIDATE_SCHEMA, **self.summary, "rows": self.rows, "warnings": self.warnings}


def validate(registry: Registry, path: Path, progress: Callable[[int, int], None] | None = None) -> Validation:
    """Predict every row of a CSV file; a row that cannot be predicted says why and stops nothing."""
    rows, groups, refused = read_groups(registry, path)
    answers: list[dict[str, Any]] = [_refusal(refused.get(index, "")) for index in range(len(rows))]
    warnings: list[str] = []
    done = len(refused)
    for group in groups:
        for position, answer in _predict_group(registry, group).items():
            answers[position] = answer
        warnings += group.context.warnings
        done += len(group.rows)
        if progress is not None:
            progress(done, len(rows))
    out = [{**row, **answer} for row, answer in zip(rows, answers, strict=True)]
    return Validation(out, summarize(out), list(dict.fromkeys([*registry.plugins.warnings, *warnings])))


def _refusal(reason: str) -> dict[str, Any]:
    return {"predicted": None, "low": None, "high": None, "error_percent": None, "reason": reason}


def _predict_group(registry: Registry, group: Group) -> dict[int, dict[str, Any]]:
    answers = {position: _refusal("no backend estimates the device") for position in group.positions}
    for backend, indexes in by_backend(group.table, group.context, registry.backends):
        part = group.table.take(indexes)
        owner = registry.owner(backend)
        good = memory(backend, part, group.context, owner) and estimate(backend, part, group.context, owner)
        for place, index in enumerate(indexes):
            answers[group.positions[index]] = (
                predict(group.rows[index], part, place, group.context) if good
                else _refusal(f"backend {backend.name} failed")
            )  # fmt: skip
    return answers
