"""Write docs/accuracy.md from the records of the benchmarks.

    python benchmarks/make_accuracy_doc.py

Reads accuracy.json, peers.json, predictions.json, families.json, training.json, training_memory.json, kernels.json
and local_cpu.json beside this file (each written by the script of that name); a section whose record is missing says
so. The noise floor is computed here. Nothing is measured or fitted. The words are in accuracy_page.md.
"""

from __future__ import annotations

from pathlib import Path

import accuracy_tables as tables
from accuracy import DEVICE_BOUNDS, FRAMEWORK_BOUNDS
from accuracy_demands import demands
from training_demands import training_demands

WORDS = Path(__file__).with_name("accuracy_page.md")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"


def missing(script: str) -> str:
    """Say which benchmark makes a table."""
    return f"No record yet: run `python benchmarks/{script}.py`."


def make() -> str:
    """The page."""
    accuracy, peers, predictions = (tables.load(name) for name in ("accuracy", "peers", "predictions"))
    families, training, kernels, local = (
        tables.load(name) for name in ("families", "training", "kernels", "local_cpu")
    )
    peaks = tables.load("training_memory")
    kernel_rows = [[name, entry["rows"], entry["median"], entry["mean"]] for name, entry in kernels.items()
                   if name != "constants"]  # fmt: skip
    parts = {
        "demands": demands(accuracy, predictions, families, local),
        "by_model": tables.servers(accuracy, peers, "model"),
        "by_device": tables.servers(accuracy, peers, "device"),
        "peers": tables.estimators(peers, accuracy),
        "peer_version": peers.get("aiconfigurator_version", "not run"),
        "groups": tables.groups(peers),
        "noise": tables.noise(),
        "classes": tables.devices(predictions["classes"]),
        "families": tables.families(families) if families else missing("families"),
        "files": tables.files(predictions, "serve_"),
        "other_devices": tables.devices(predictions["serving"]["by_device"], least=10),
        "images": tables.devices(predictions["images"]["by_device"]),
        "calculon": tables.calculon(predictions["megatron_cases"]),
        "calculon_summary": tables.calculon_summary(predictions["megatron_cases"]),
        "training_demands": training_demands(training, peaks, predictions, local) if "memory" in predictions
        else missing("predictions"),
        "training": tables.left_out(training, "fitted on all") if training else missing("training"),
        "training_memory": tables.left_out(peaks, "fitted on all") if peaks else missing("training_memory"),
        "training_files": tables.files(predictions, "train_"),
        "kernels": tables.table(["16-bit products", "rows", "median, %", "mean, %"], kernel_rows) if kernels
        else missing("kernels"),
        "fits": tables.fits(predictions),
        "worst_devices": tables.worst_devices(predictions),
        "worst_files": tables.worst_files(predictions),
        "local": tables.local(local) if local else missing("local_cpu"),
        "device_constants": len(DEVICE_BOUNDS),
        "framework_constants": len(FRAMEWORK_BOUNDS),
    }  # fmt: skip
    return WORDS.read_text("utf-8").format(**parts)


if __name__ == "__main__":
    PAGE.write_text(make(), "utf-8")
    print(f"wrote {PAGE.relative_to(PAGE.parent.parent)}")
