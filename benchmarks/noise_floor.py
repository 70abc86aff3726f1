"""How far repeated measurements of one configuration lie apart in tests/truth/serve_nvidia.csv: the noise floor.

No estimator that sees only the configuration can be better, on average, than what its repeats differ by.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

TRUTH = Path(__file__).resolve().parent.parent / "tests" / "truth" / "serve_nvidia.csv"
CONFIGURATION = ("model", "device", "device_count", "weights_dtype", "tp", "pp", "dp", "ep", "concurrency",
                 "input_tokens", "output_tokens", "metric")  # fmt: skip
KINDS = ("same framework and version, measured again", "same framework, another version", "another framework")
SAME = 1e-3  # values closer than this are one measurement that the source lists twice
MOST_DEVICES = 8
Figures = dict[str, float]


def _kind(first: str, second: str) -> str:
    if first == second:
        return KINDS[0]
    return KINDS[1] if first.split()[0] == second.split()[0] else KINDS[2]


def noise_floor() -> dict[tuple[str, str], Figures]:
    """By kind of repeat and metric: pairs, and median and mean percentage by which the larger value is above."""
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    with TRUTH.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            if int(line["device_count"]) <= MOST_DEVICES:
                groups.setdefault(tuple(line[name] for name in CONFIGURATION), []).append(line)
    found: dict[tuple[str, str], list[float]] = {}
    for rows in groups.values():
        kept: list[tuple[str, float]] = []
        for row in rows:
            value = float(row["value"])
            if not any(name == row["framework"] and abs(value / other - 1) < SAME for name, other in kept):
                kept.append((row["framework"], value))
        for (first, one), (second, two) in itertools.combinations(kept, 2):
            ratio = max(one, two) / min(one, two) - 1
            if ratio >= SAME:
                found.setdefault((_kind(first, second), rows[0]["metric"]), []).append(100 * ratio)
    return {
        key: {"pairs": len(ratios), **{
            name: round(float(figure(ratios)), 1) for name, figure in (("median", np.median), ("mean", np.mean))
        }}
        for key, ratios in found.items()
    }  # fmt: skip
