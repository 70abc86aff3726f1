"""Tables of docs/accuracy.md, each made from the records beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from noise_floor import KINDS, noise_floor

HERE = Path(__file__).resolve().parent
Record = Mapping[str, Any]
#: Name of a model in the catalog, as benchmarks/accuracy.py has it, to its name in the measurements.
SPELLED = {"zai-org/GLM-5": "zhipuai/GLM-5", "meta-llama/Llama-3.1-8B": "meta-llama/Llama-3.1-8B-Instruct"}
DENSE = "Llama"  # in the names of the dense models of serve_nvidia.csv
#: Calculon's published errors on the eight Megatron runs (its validation table), percent.
CALCULON = {"average": 3.65, "worst": 8.87}


def load(name: str) -> dict[str, Any]:
    """A record; empty where its benchmark has not run."""
    path = HERE / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; None is a dash, numbers stand to the right."""
    body = [["–" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row]
            for row in rows]  # fmt: skip
    numeric = [all(row[i].replace(".", "").replace("-", "").replace("–", "").isdigit() or row[i] == "–" for row in body)
               for i in range(len(head))]  # fmt: skip
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [list(head), rule, *body])


def percent(share: float | None) -> str:
    """A share as a whole percentage."""
    return "–" if share is None else f"{100 * share:.0f} %"


def short(device: str) -> str:
    """Device without vendor."""
    return device.removeprefix("nvidia-")


def servers(accuracy: Record, peers: Record, kind: str) -> str:
    """Errors by model or device: fitted, left out of the fit, and the peers'."""
    rows = []
    others = peers.get("estimators", {})
    for label, own in accuracy["stored"][kind].items():
        out = accuracy["left_out"][kind].get(label, {})
        name = SPELLED.get(label, label)
        beside = [others.get(peer, {}).get(f"by_{kind}", {}).get(name, {}) for peer in ("aiconfigurator", "roofline")]
        rows.append([
            short(label), own["tpot"]["rows"], *(own["tpot"][f] for f in ("median", "mean")),
            *(out.get("tpot", {}).get(f) for f in ("median", "mean")),
            *(entry.get("tpot", {}).get("median") for entry in beside),
            own["ttft"]["median"], out.get("ttft", {}).get("median"),
            *(entry.get("ttft", {}).get("median") for entry in beside),
        ])  # fmt: skip
    head = [kind, "rows", "TPOT median", "mean", "left out: median", "mean", "aiconfigurator median", "roofline median",
            "TTFT median", "left out", "aiconfigurator", "roofline"]  # fmt: skip
    return table(head, rows)


def estimators(peers: Record, accuracy: Record) -> str:
    """All estimators on all rows, then on the rows that aiconfigurator answers, then the advisor not fitted."""
    head = ["estimator", "answered", "refused", "TPOT median", "TPOT mean", "TPOT tau", "TTFT median", "TTFT mean",
            "TTFT tau", "ms an estimate"]  # fmt: skip
    rows = []
    answered = ", on the rows that aiconfigurator answers"
    for title, group in (("", peers["estimators"]), (answered, peers.get("same_rows", {}))):
        for name, entry in group.items():
            rows.append([
                name + title, entry["rows"] - entry["refused"], entry["refused"],
                *(entry[metric][figure] for metric in ("tpot", "ttft") for figure in ("median", "mean", "kendall_tau")),
                entry.get("ms_per_estimate"),
            ])  # fmt: skip
    for kind, found in accuracy["left_out"].get("pooled", {}).items():
        tpot, ttft = found["tpot"], found["ttft"]
        rows.append([f"advisor, each {kind} left out of the fit in turn", tpot["rows"], 0, tpot["median"], tpot["mean"],
                     None, ttft["median"], ttft["mean"], None, None])  # fmt: skip
    return table(head, rows)


def noise() -> str:
    """The noise floor."""
    found = noise_floor()
    rows = [[kind, *(found.get((kind, metric), {}).get(figure) for metric in ("tpot_ms", "ttft_ms")
                     for figure in ("pairs", "median", "mean"))] for kind in KINDS]  # fmt: skip
    head = ["measured again by", "TPOT pairs", "median, %", "mean, %", "TTFT pairs", "median, %", "mean, %"]
    return table(head, rows)


def groups(peers: Record, count: int = 12) -> str:
    """The groups that are furthest off, with the peers' errors beside."""
    names = [name for name in ("advisor", "aiconfigurator", "roofline") if name in peers["estimators"]]
    rows = [[entry["group"].replace("nvidia-", ""), entry["rows"],
             *(entry["median_signed_percent"].get(name) for name in names)]
            for entry in peers.get("groups", [])[:count]]  # fmt: skip
    return table(["model, device, format, framework", "rows", *(f"{name}, %" for name in names)], rows)


def devices(entries: Record, least: int = 1) -> str:
    """Errors by device."""
    rows = [[name, entry["rows"], entry["refused"], entry["median_absolute_percentage_error"],
             entry["mean_absolute_percentage_error"], entry["bias_percent"], entry["kendall_tau"],
             percent(entry["inside_interval"])]
            for name, entry in entries.items() if entry["rows"] >= least]  # fmt: skip
    return table(["", "rows", "refused", "median, %", "mean, %", "bias, %", "tau", "inside interval"], rows)


def families(record: Record) -> str:
    """Three efficiencies fitted a family: default, models not fitted, all fitted."""
    rows = [[name, entry["rows"], entry["models"], entry["default"], entry["not_fitted"], entry["fitted"],
             "own" if entry["uses_fit"] else "default"] for name, entry in record.items()]  # fmt: skip
    head = ["family", "rows", "models", "default constants", "models not fitted", "fitted", "constants used"]
    return table(head, rows)


def calculon(cases: Sequence[Record]) -> str:
    """The eight Megatron runs: measured, ours, Calculon's."""
    rows = []
    for case in cases:
        predicted = case["notes"].split("Calculon predicts ")[1].split(" s ")[0]
        measured = float(case["value"])
        error = 100 * (float(predicted) / measured - 1)
        rows.append([case["id"].removeprefix("megatron-case-"), measured, float(case["predicted"]),
                     f"{case['error_percent']:+.1f}", float(predicted), f"{error:+.1f}"])  # fmt: skip
    return table(["run", "measured, s", "advisor, s", "error, %", "Calculon, s", "error, %"], rows)


def left_out(record: Record, fitted: str) -> str:
    """Errors by source with the constants ``fitted`` on all, on models not fitted, and on sources not fitted."""
    stages = (fitted, "models not fitted", "sources not fitted")
    sources = sorted({name.rsplit(", ", 1)[1] for name in record if ", train_" in name})
    rows = []
    for source in ["", *sources]:
        found = [record.get(f"{stage}, {source}" if source else stage, {}) for stage in stages]
        cells = [entry.get(figure) for entry in found for figure in ("median", "mean")]
        rows.append([source or "all", max(entry.get("rows", 0) for entry in found), *cells])
    names = [f"{stage}: {figure}, %" for stage in stages for figure in ("median", "mean")]
    return table(["", "rows", *names], rows)


def files(record: Record, prefix: str) -> str:
    """Errors by file of measurements and metric."""
    rows = []
    for name, entry in record["files"].items():
        if name.startswith(prefix):
            for metric, figures in entry["by_metric"].items():
                if metric != "fits":
                    rows.append([name, metric, figures["rows"], figures["refused"],
                                 figures["median_absolute_percentage_error"], figures["mean_absolute_percentage_error"],
                                 figures["kendall_tau"], percent(figures["inside_interval"])])  # fmt: skip
    head = ["file", "metric", "rows", "refused", "median, %", "mean, %", "tau", "inside interval"]
    return table(head, rows)


def calculon_summary(cases: Sequence[Record]) -> str:
    """One sentence: ours against Calculon's published figures."""
    errors = [abs(case["error_percent"]) for case in cases]
    return (f"Average error {sum(errors) / len(errors):.2f} %, worst {max(errors):.2f} %; Calculon published "
            f"{CALCULON['average']} % and {CALCULON['worst']} %.")  # fmt: skip


def fits(record: Record) -> str:
    """Whether jobs that ran, and jobs that ran out of memory, were predicted so, by file."""
    rows = []
    for name, entry in record["files"].items():
        said = entry["fits"]
        if said["ran"] + said["out_of_memory"]:
            rows.append([name, said["ran"], said["ran_right"], said["out_of_memory"], said["out_of_memory_right"]])
    return table(["file", "ran", "predicted to fit", "out of memory", "predicted so"], rows)


def worst_devices(record: Record, count: int = 6, least: int = 10) -> str:
    """One sentence: the devices that are furthest off."""
    entries = {name: entry for kind in ("serving", "images") for name, entry in record[kind]["by_device"].items()
               if entry["rows"] >= least and entry["median_absolute_percentage_error"] is not None}  # fmt: skip
    medians = {name: entry["median_absolute_percentage_error"] for name, entry in entries.items()}
    order = sorted(medians, key=lambda name: -medians[name])[:count]
    return "Furthest off, images among them: " + ", ".join(f"{short(n)} ({medians[n]:.0f} %)" for n in order) + "."


def worst_files(record: Record, count: int = 5, least: int = 10) -> str:
    """One sentence: the files and metrics that are furthest off."""
    found = {
        f"{metric} of {name}": entry["median_absolute_percentage_error"]
        for name, file in record["files"].items() if name.startswith("serve_")
        for metric, entry in file["by_metric"].items()
        if entry["rows"] >= least and entry["median_absolute_percentage_error"] is not None
    }  # fmt: skip
    order = sorted(found, key=lambda name: -found[name])[:count]
    return "Furthest off: " + ", ".join(f"{name} ({found[name]:.0f} %)" for name in order) + "."


def local(record: Record) -> str:
    """Errors on the machine on which benchmarks/local_cpu.py last ran."""
    rows = [[f"{when} `advisor measure`", *(entry[figure] for figure in ("rows", "median", "mean"))]
            for when, entry in record["errors"].items()]  # fmt: skip
    where = f"`python benchmarks/local_cpu.py` on {record['processor']}, {record['cores']} core(s), {record['date']}"
    return f"{where}:\n\n" + table(["", "rows", "median, %", "mean, %"], rows)
