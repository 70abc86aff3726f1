"""The table of demands on training estimates (issue 7) with what the records say was reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accuracy_tables import CALCULON, percent, table

Record = Mapping[str, Any]


def _row(measure: str, demand: str, reached: str, met: bool) -> list[object]:
    return [measure, demand, reached, "yes" if met else "no"]


def _errors(entry: Record) -> tuple[float, float, str]:
    """Median, mean and both in words, of a summary of ``advisor validate``."""
    median, mean = entry["median_absolute_percentage_error"], entry["mean_absolute_percentage_error"]
    return median, mean, f"median {median:.1f} %, mean {mean:.1f} %, {entry['rows'] - entry['refused']} rows"


def training_demands(training: Record, predictions: Record, local: Record) -> str:
    """One row a demand."""
    judged, memory, adapters = training["models not fitted"], predictions["memory"], predictions["adapters"]
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
        _row("the eight Megatron cases, not fitted", f"average {CALCULON['average']} %, worst {CALCULON['worst']} %",
             f"average {average:.2f} %, worst {worst:.2f} %",
             average <= CALCULON["average"] and worst <= CALCULON["worst"]),
        _row("memory a device", "median 5 %, mean 10 %", _errors(memory)[2],
             _errors(memory)[0] <= 5 and _errors(memory)[1] <= 10),
        _row("memory with adapters", "median 8 %", _errors(adapters)[2], _errors(adapters)[0] <= 8),
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
