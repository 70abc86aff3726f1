"""Predict every row of tests/truth with the stored constants, and record errors, order and intervals.

    python benchmarks/predictions.py            # all files
    python benchmarks/predictions.py training   # those of training alone; the rest stays recorded

Writes benchmarks/predictions.json: for each file the summary of ``advisor validate`` in total, by metric and by
device; and over all files of serving, of images and of training by device, with the reasons of refusals.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from advisor import Advisor
from advisor.estimating import by_backend, memory
from advisor.registry import Registry
from advisor.validation import validate
from advisor.validation.measurements import read_groups
from advisor.validation.predictions import predict
from advisor.validation.summary import summarize

TRUTH = Path(__file__).resolve().parent.parent / "tests" / "truth"
STORED = Path(__file__).with_name("predictions.json")
MOST_DEVICES = 8  # of serve_nvidia.csv, whose rows of 16 and 64 repeat those of 4 and 8
#: Speed of requests and steps; memory, energy and fits are summed up apart.
SPEED = {"ttft_ms", "tpot_ms", "output_tokens_per_s", "total_tokens_per_s", "prefill_tokens_per_s", "requests_per_s",
         "samples_per_s", "step_time_s", "train_tokens_per_s", "model_tflops_per_device", "fits"}  # fmt: skip
Row = dict[str, Any]


def files() -> list[Path]:
    """Measurements in the schema, with a model and a metric a row."""
    answer = []
    for path in sorted(TRUTH.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            if {"model", "metric"} <= set(next(csv.reader(stream))):
                answer.append(path)
    return answer


def kind(name: str) -> str:
    """What a file's rows are about."""
    return {"train": "training", "vision": "images"}.get(name.split("_")[0], "serving")


def device_class(registry: Registry, name: str) -> str:
    """The row of the demands' table that a device belongs to."""
    device = registry.devices[name]
    if device.kind in ("cpu", "tpu"):
        return f"{device.kind.upper()}s"
    if device.vendor.lower() == "nvidia":
        return "RTX cards" if "rtx" in device.id else "NVIDIA data-centre GPUs, other files"
    return {"amd": "AMD", "apple": "Apple", "intel": "Intel"}.get(device.vendor.lower(), device.vendor) + " GPUs"


def fits(registry: Registry, path: Path) -> list[tuple[bool, bool]]:
    """Predicted and true, for every row that says whether its job fitted, whatever it measured."""
    answer = []
    for group in read_groups(registry, path)[1]:
        for backend, positions in by_backend(group.table, group.context, registry.backends):
            part = group.table.take(positions)
            if not memory(backend, part, group.context, registry.owner(backend)):
                continue
            for place, position in enumerate(positions):
                row = group.rows[position]
                said = (row["value"] if row["metric"] == "fits" else row.get("fits", "")).lower()
                if said:
                    found = predict({**row, "metric": "fits"}, part, place, group.context)["predicted"]
                    answer.append((bool(found), said in ("1", "1.0", "yes", "true")))
    return answer


def summarize_devices(rows: list[Row]) -> dict[str, Any]:
    """Share inside the interval by metric and device."""
    answer: dict[str, Any] = {}
    for metric in sorted({row["metric"] for row in rows}):
        found = summarize([row for row in rows if row["metric"] == metric])
        answer[metric] = {name: entry["inside_interval"] for name, entry in found["by_device"].items()}
        answer[metric]["all"] = found["total"]["inside_interval"]
    return answer


def main() -> None:
    """Predict, summarize, write."""
    registry = Advisor().registry
    training_alone = sys.argv[1:] == ["training"]
    record: Row = json.loads(STORED.read_text("utf-8")) if training_alone else {"files": {}}
    nvidia: list[Row] = []
    kinds: dict[str, list[Row]] = {}
    peaks: list[Row] = []
    for path in files():
        if training_alone and kind(path.stem) != "training":
            continue
        rows = validate(registry, path).rows
        if path.name == "serve_nvidia.csv":
            rows = nvidia = [row for row in rows if int(row["device_count"]) <= MOST_DEVICES]
        elif path.stem != "train_megatron_cases":
            kinds.setdefault(kind(path.stem), []).extend(row for row in rows if row["metric"] in SPEED)
        if kind(path.stem) == "training":
            peaks += [row for row in rows if row["metric"] == "memory_gb_per_device"]
        summary = summarize(rows)
        said = fits(registry, path)
        reasons = Counter(row["reason"][:100] for row in rows if row["reason"])
        record["files"][path.stem] = {
            "total": summary["total"], "by_metric": summary["by_metric"], "by_device": summary["by_device"],
            "devices": len(summary["by_device"]), "models": len(summary["by_model"]),
            "reasons": dict(reasons.most_common(5)),
            "fits": {"ran": sum(true for _, true in said), "ran_right": sum(found and true for found, true in said),
                     "out_of_memory": sum(not true for _, true in said),
                     "out_of_memory_right": sum(not found and not true for found, true in said)},
        }  # fmt: skip
        print(f"{path.stem:24s} {summary['total']}")
        if path.stem == "train_megatron_cases":
            record["megatron_cases"] = [
                {name: row[name] for name in ("id", "value", "predicted", "error_percent", "notes")} for row in rows
            ]
    for name, rows in kinds.items():
        summary = summarize(rows)
        record[name] = {"total": summary["total"], "by_device": summary["by_device"], "by_metric": summary["by_metric"]}
    record["memory"] = summarize(peaks)["total"]
    record["adapters"] = summarize([row for row in peaks if row["method"] not in ("", "full")])["total"]
    if not training_alone:
        _sum_up_inference(record, kinds, nvidia, registry)
    STORED.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _sum_up_inference(record: Row, kinds: dict[str, list[Row]], nvidia: list[Row], registry: Registry) -> None:
    """Record errors by class of device, and how often intervals hold."""
    inference = [row for name in ("serving", "images") for row in kinds[name] if row["device"]]
    classes: dict[str, list[Row]] = {}
    for row in inference:
        classes.setdefault(device_class(registry, row["device"]), []).append(row)
    record["classes"] = {
        name: {**summarize(rows)["total"], "devices": len({row["device"] for row in rows})}
        for name, rows in sorted(classes.items())
    }
    record["nvidia_devices"] = summarize_devices(nvidia)


if __name__ == "__main__":
    main()
