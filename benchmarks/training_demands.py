"""The table of demands on training estimates (issue 7) with what the records say was reached."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accuracy_tables import CALCULON, percent, table

TRUTH = Path(__file__).resolve().parent.parent / "tests" / "truth"
Record = Mapping[str, Any]


def _row(measure: str, demand: str, reached: str, met: bool) -> list[object]:
    return [measure, demand, reached, "yes" if met else "no"]


def _left_out(record: Record, stage: str, median: float, mean: float) -> tuple[str, bool]:
    """Errors of a stage of a fit in words, and whether they are at most so much."""
    found = record[stage]
    words = f"median {found['median']:.1f} %, mean {found['mean']:.1f} %, {found['rows']} rows"
    return words, found["median"] <= median and found["mean"] <= mean


def _measurements() -> tuple[str, bool]:
    """Rows, devices and models of training in tests/truth, and whether they are as many as was asked."""
    rows = []
    for path in sorted(TRUTH.glob("train_*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            rows += list(csv.DictReader(stream))
    devices, models = len({row["device"] for row in rows}), len({row["model"] for row in rows})
    words = f"{len(rows)} rows, {devices} devices, {models} models and sizes"
    return words, len(rows) >= 500 and devices >= 12 and models >= 40


def training_demands(training: Record, peaks: Record, predictions: Record, local: Record) -> str:
    """One row a demand."""
    judged, memory = training["models not fitted"], predictions["memory"]
    cases = [abs(case["error_percent"]) for case in predictions["megatron_cases"]]
    average, worst = sum(cases) / len(cases), max(cases)
    rates = predictions["training"]["total"]
    fits = [entry["fits"] for name, entry in predictions["files"].items() if name.startswith("train_")]
    said = sum(entry["ran"] + entry["out_of_memory"] for entry in fits)
    right = sum(entry["ran_right"] + entry["out_of_memory_right"] for entry in fits)
    inside = [rates["inside_interval"], memory["inside_interval"]]
    rows = [
        _row("step time or rate, models not fitted", "median 8 %, mean 15 %",
             f"median {judged['median']:.1f} %, mean {judged['mean']:.1f} %, {judged['rows']} rows",
             judged["median"] <= 8 and judged["mean"] <= 15),
        _row("the same, sources not fitted", "median 8 %, mean 15 %",
             *_left_out(training, "sources not fitted", 8, 15)),
        _row("the eight Megatron cases, not fitted", f"average {CALCULON['average']} %, worst {CALCULON['worst']} %",
             f"average {average:.2f} %, worst {worst:.2f} %",
             average <= CALCULON["average"] and worst <= CALCULON["worst"]),
        _row("memory a device, models not fitted", "median 5 %, mean 10 %",
             *_left_out(peaks, "models not fitted", 5, 10)),
        _row("the same, sources not fitted", "median 5 %, mean 10 %", *_left_out(peaks, "sources not fitted", 5, 10)),
        _row("memory with adapters, models not fitted", "median 8 %",
             *_left_out(peaks, "models not fitted, adapters", 8, 1e9)),
        _row("measurements", "500 rows, 12 devices, 40 models and sizes", *_measurements()),
        _row("fits or out of memory", "97 % right", f"{100 * right / said:.1f} % of {said}", right >= 0.97 * said),
        _row("order (Kendall's tau within a model and metric)", "0.9", f"{rates['kendall_tau']:.2f}",
             rates["kendall_tau"] >= 0.9),
        _row("rows inside the 80 % interval", "75 to 85 %",
             f"rates {percent(inside[0])}, memory {percent(inside[1])}",
             all(0.75 <= share <= 0.85 for share in inside)),
        *_local(local),
    ]  # fmt: skip
    return table(["measure", "demand, at most", "reached", "met"], rows)


def _local(local: Record) -> list[list[object]]:
    """The real trainings on this machine after ``advisor measure``."""
    trained = [row for row in local.get("rows", ()) if row["task"] == "train"]
    rows = []
    for metric, name, most in (("step_time_s", "step time", 20), ("memory_gb_per_device", "peak memory", 15)):
        errors = [row["after_error_percent"] for row in trained if row["metric"] == metric]
        if errors:
            words = ", ".join(f"{error:+.0f} %" for error in errors)
            rows.append(_row(f"trained on this machine: {name}", f"{most} %", words,
                             all(abs(error) <= most for error in errors)))  # fmt: skip
    return rows
