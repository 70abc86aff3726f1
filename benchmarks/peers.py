"""Compare the advisor, aiconfigurator and the plain roofline on the same measured servers, in one run.

    python benchmarks/peers.py --aiconfigurator-python PATH/TO/PYTHON

PATH is the interpreter of an environment with aiconfigurator 0.12.0 (a benchmark-only dependency: ``pip install
aiconfigurator==0.12.0`` in a virtual environment of its own). Its answers are recorded in
peers_aiconfigurator.json; without PATH that peer is not run, a line says so, and the recorded answers stand in.
Rows: tests/truth/serve_nvidia.csv up to 8 devices. Writes benchmarks/peers.json, from which
benchmarks/make_accuracy_doc.py makes its table. The advisor's constants were fitted on these rows
(benchmarks/accuracy.py has its errors on models and devices left out); aiconfigurator's tables were measured on
these devices.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from peer_roofline import roofline

from advisor import Advisor
from advisor.reading import read_model
from advisor.registry import Registry
from advisor.validation import validate
from advisor.validation.summary import kendall_tau

HERE = Path(__file__).resolve().parent
TRUTH = HERE.parent / "tests" / "truth" / "serve_nvidia.csv"
STORED = HERE / "peers.json"
ANSWERS = HERE / "peers_aiconfigurator.json"
METRICS = ("tpot", "ttft")
MOST_DEVICES = 8
LEAST_GROUP = 5
Row = dict[str, Any]
Answers = list[Row]


def advisor_rows(registry: Registry) -> tuple[list[Row], Answers, float]:
    """The measured configurations with both values, the advisor's answers, and seconds an estimate."""
    begun = time.perf_counter()
    validation = validate(registry, TRUTH)
    seconds = (time.perf_counter() - begun) / (len(validation.rows) / 2)
    by_id = {row["id"]: row for row in validation.rows}
    rows, answers = [], []
    for identity, further in by_id.items():
        first = by_id.get(identity.removesuffix("tpot") + "ttft")
        if not identity.endswith("-tpot") or first is None or int(further["device_count"]) > MOST_DEVICES:
            continue
        rows.append({**further, "tpot_ms": float(further["value"]), "ttft_ms": float(first["value"])})
        refused = further["reason"] or first["reason"]
        answers.append({"reason": refused} if refused else
                       {"tpot_ms": further["predicted"], "ttft_ms": first["predicted"], "reason": ""})  # fmt: skip
    return rows, answers, seconds


def roofline_rows(registry: Registry, rows: Sequence[Row]) -> tuple[Answers, float]:
    """The plain roofline's answers and seconds an estimate."""
    models = {name: read_model(registry, name) for name in {row["model"] for row in rows}}
    begun = time.perf_counter()
    found = [roofline(models[row["model"]], registry.devices[row["device"]], row) for row in rows]
    seconds = (time.perf_counter() - begun) / len(rows)
    return [{"ttft_ms": first, "tpot_ms": further, "reason": ""} for first, further in found], seconds


def ask_aiconfigurator(python: str, rows: Sequence[Row]) -> None:
    """Record aiconfigurator's answers, median seconds an estimate, and version, from its own interpreter."""
    needed = ("model", "device", "framework", "weights_dtype", "tp", "pp", "dp", "ep",
              "concurrency", "input_tokens", "output_tokens")  # fmt: skip
    sent = json.dumps([{name: row[name] for name in needed} for row in rows])
    run = subprocess.run([python, str(HERE / "peer_aiconfigurator.py")], input=sent, stdout=subprocess.PIPE,
                         text=True, check=True)  # fmt: skip
    answers = json.loads(run.stdout)
    asked = "import importlib.metadata as m; print(m.version('aiconfigurator'))"
    version = subprocess.run([python, "-c", asked], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    seconds = float(np.median([answer.pop("seconds") for answer in answers if "seconds" in answer]))
    lines = [f" {json.dumps(row['id'])}: {json.dumps(answer)}" for row, answer in zip(rows, answers, strict=True)]
    head = f'{{"version": "{version}", "seconds": {seconds:.4g}, "answers": {{\n'
    ANSWERS.write_text(head + ",\n".join(lines) + "\n}}\n", "utf-8")


def aiconfigurator_rows(python: str | None, rows: Sequence[Row]) -> tuple[Answers, float, str] | None:
    """Its answers, seconds an estimate, and version; those recorded where it cannot run; None without either."""
    if python and Path(python).exists():
        ask_aiconfigurator(python, rows)
    else:
        print(f"aiconfigurator not run (no interpreter at {python or '--aiconfigurator-python'}): "
              + (f"its answers recorded in {ANSWERS.name} are used" if ANSWERS.exists() else "left out"),
              file=sys.stderr)  # fmt: skip
        if not ANSWERS.exists():
            return None
    found = json.loads(ANSWERS.read_text("utf-8"))
    unknown = {"reason": "not asked when its answers were recorded"}
    return [found["answers"].get(row["id"], unknown) for row in rows], found["seconds"], found["version"]


def figures(rows: Sequence[Row], answers: Answers, use: Callable[[int], bool]) -> dict[str, Any]:
    """Rows, refused, and for each metric median and mean absolute percentage error, over the rows in use."""
    chosen = [index for index in range(len(rows)) if use(index)]
    given = [index for index in chosen if "tpot_ms" in answers[index]]
    result: dict[str, Any] = {"rows": len(chosen), "refused": len(chosen) - len(given)}
    for metric in METRICS if given else ():
        predicted = np.array([answers[index][f"{metric}_ms"] for index in given])
        measured = np.array([rows[index][f"{metric}_ms"] for index in given])
        percent = 100 * np.abs(predicted / measured - 1)
        result[metric] = {
            "median": round(float(np.median(percent)), 1),
            "mean": round(float(percent.mean()), 1),
            "kendall_tau": _mean_tau([rows[index]["model"] for index in given], predicted, measured),
        }
    return result


def _mean_tau(models: Sequence[str], predicted: Any, measured: Any) -> float | None:
    """Kendall's tau within each model, weighted by pairs."""
    total = weight = 0.0
    for model in set(models):
        chosen = np.array([name == model for name in models])
        tau = kendall_tau(np.column_stack([predicted[chosen], measured[chosen]]))
        if tau is not None:
            pairs = chosen.sum() * (chosen.sum() - 1) / 2
            total, weight = total + tau * pairs, weight + pairs
    return round(float(total / weight), 3) if weight else None


def groups(rows: Sequence[Row], found: dict[str, Answers]) -> list[Row]:
    """Signed errors of time per output token by model, device, format and framework version, worst first."""
    members: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(rows):
        key = tuple(row[name] for name in ("model", "device", "weights_dtype", "framework"))
        members.setdefault(key, []).append(index)
    answer = []
    for key, indexes in members.items():
        signed = {}
        for name, answers in found.items():
            ratios = [answers[i]["tpot_ms"] / rows[i]["tpot_ms"] - 1 for i in indexes if "tpot_ms" in answers[i]]
            signed[name] = round(100 * float(np.median(ratios)), 1) if ratios else None
        if len(indexes) >= LEAST_GROUP:
            answer.append({"group": " ".join(key), "rows": len(indexes), "median_signed_percent": signed})
    return sorted(answer, key=lambda entry: -abs(entry["median_signed_percent"]["advisor"]))


def summary(rows: Sequence[Row], answers: Answers, seconds: float) -> dict[str, Any]:
    """All figures of one estimator."""
    reasons = Counter(answer["reason"].split("(")[0][:90] for answer in answers if "tpot_ms" not in answer)
    result = {**figures(rows, answers, lambda _: True), "ms_per_estimate": float(f"{1e3 * seconds:.2g}"),
              "reasons": dict(reasons.most_common(8))}  # fmt: skip
    for column in ("model", "device", "framework"):
        labels = [str(row[column]).split()[0] for row in rows]
        result[f"by_{column}"] = {
            label: figures(rows, answers, lambda index, label=label, labels=labels: labels[index] == label)  # type: ignore[misc]
            for label in sorted(set(labels))
        }
    return result


def main() -> None:
    """Run all estimators and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aiconfigurator-python", metavar="PATH", help="interpreter of its environment")
    python = parser.parse_args().aiconfigurator_python
    registry = Advisor().registry
    rows, own, seconds = advisor_rows(registry)
    found = {"advisor": (own, seconds), "roofline": roofline_rows(registry, rows)}
    record: dict[str, Any] = {"rows": len(rows)}
    peer = aiconfigurator_rows(python, rows)
    if peer is not None:
        found["aiconfigurator"] = peer[:2]
        record["aiconfigurator_version"] = peer[2]
    record["estimators"] = {name: summary(rows, *pair) for name, pair in found.items()}
    if "aiconfigurator" in found:
        both = {index for index, answer in enumerate(found["aiconfigurator"][0]) if "tpot_ms" in answer}
        record["same_rows"] = {name: figures(rows, pair[0], both.__contains__) for name, pair in found.items()}
    record["groups"] = groups(rows, {name: pair[0] for name, pair in found.items()})
    STORED.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for name, entry in record["estimators"].items():
        print(f"{name}: {entry['rows']} rows, {entry['refused']} refused, {entry['ms_per_estimate']} ms an estimate")
        for metric in METRICS:
            print(f"  {metric}: median error {entry[metric]['median']} %, mean {entry[metric]['mean']} %, "
                  f"tau {entry[metric]['kendall_tau']}")  # fmt: skip


if __name__ == "__main__":
    main()
