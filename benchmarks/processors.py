"""Fit what runtimes reach on processors, and report the error on the models left out.

    python benchmarks/processors.py         # fit on half of the models, report the other half, print the constants

Data: the CPU rows of tests/truth/serve_openvino.csv, vision_timm.csv and serve_llamacpp.csv. OpenVINO's throughput
mode runs several streams; the rows that say so are taken as a quarter as many samples in flight as there are cores,
which is what its throughput hint chooses on processors. Needs scipy.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from forget import forget

from advisor import Advisor
from advisor.estimating import by_backend, estimate, memory
from advisor.validation.measurements import Group, read_groups
from advisor.validation.predictions import predict
from advisor_cpu import runtimes
from advisor_roofline import constants

TRUTH = Path(__file__).resolve().parent.parent / "tests" / "truth"
FILES = ("serve_openvino", "vision_timm", "serve_llamacpp")
CORES_A_STREAM = 4
#: (table, constant) to its bounds: what physics allows.
BOUNDS = {
    ("default", "thread_us"): (0.01, 5.0),
    ("default", "amx_share"): (0.03, 1.0),
    ("family", "vector_clock"): (0.3, 1.0),
    ("openvino", "matrix_efficiency"): (0.3, 1.0),
    ("openvino", "bandwidth_efficiency"): (0.3, 1.0),
    ("openvino", "kernel_us"): (0.5, 20.0),
    ("pytorch", "matrix_efficiency"): (0.3, 1.0),
    ("pytorch", "bandwidth_efficiency"): (0.03, 1.0),
    ("pytorch", "kernel_us"): (1.0, 60.0),
}


def load(advisor: Advisor, folder: Path) -> list[Group]:
    """The CPU rows, in groups of one model."""
    rows: list[dict[str, Any]] = []
    for name in FILES:
        with (TRUTH / f"{name}.csv").open(newline="") as stream:
            for row in csv.DictReader(stream):
                device = advisor.registry.devices.find(row["device"])
                if device is None or device.kind != "cpu":
                    continue
                if "throughput mode" in row["notes"]:
                    streams = max(1, device.compute_units // CORES_A_STREAM) * int(row["device_count"] or 1)
                    row |= {"batch": "", "concurrency": str(streams)}
                rows.append(row)
    path = folder / "processors.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return read_groups(advisor.registry, path)[1]


def log_errors(advisor: Advisor, groups: list[Group]) -> list[tuple[dict[str, str], float]]:
    """Each row with the logarithm of predicted over measured."""
    answer = []
    forget(group.context for group in groups)
    for group in groups:
        for backend, indexes in by_backend(group.table, group.context, advisor.registry.backends):
            part = group.table.take(indexes)
            memory(backend, part, group.context, "")
            estimate(backend, part, group.context, "")
            for place, index in enumerate(indexes):
                row = group.rows[index]
                found = predict(row, part, place, group.context)["predicted"]
                answer.append((row, float(np.log(found / float(row["value"])))))
    return answer


def homes(table: str) -> list[dict[str, float]]:
    """The loaded tables that hold the constant: of all processors, of a runtime, or of every family with its own."""
    loaded = constants._load("advisor_cpu", "efficiency.toml")
    if table == "default":
        return [loaded["default"]]
    return list(loaded["family"].values()) if table == "family" else [runtimes._tables()[table]]  # type: ignore[list-item]


def put(vector: np.ndarray) -> None:
    """Use these constants from now on."""
    for (table, name), value in zip(BOUNDS, np.exp(vector), strict=True):
        for home in homes(table):
            home[name] = float(value)


def current() -> np.ndarray:
    """The constants in use, as logarithms."""
    default = constants._load("advisor_cpu", "efficiency.toml")["default"]
    values = [{**default, **homes(table)[0]}[name] for table, name in BOUNDS]
    low, high = np.array(list(BOUNDS.values())).T
    return np.log(np.clip(values, low * 1.01, high * 0.99))


def main() -> int:
    """Fit and report."""
    from scipy.optimize import least_squares

    advisor = Advisor()
    with tempfile.TemporaryDirectory() as folder:
        groups = load(advisor, Path(folder))
    models = sorted({group.rows[0]["model"] for group in groups})
    fitted = set(models[::2])
    part = [group for group in groups if group.rows[0]["model"] in fitted]
    start = current()
    report("as stored", log_errors(advisor, groups), fitted)

    def residuals(vector: np.ndarray) -> np.ndarray:
        put(vector)
        return np.array([error for _, error in log_errors(advisor, part)])

    low, high = np.log(np.array(list(BOUNDS.values()))).T
    found = least_squares(residuals, start, bounds=(low, high), loss="soft_l1", f_scale=0.2, diff_step=0.05, max_nfev=8)
    put(found.x)
    for (table, name), value in zip(BOUNDS, np.exp(found.x), strict=True):
        print(f"{table:12s} {name:24s} {value:.3g}")
    report("fitted", log_errors(advisor, groups), fitted)
    return 0


def report(title: str, errors: list[tuple[dict[str, str], float]], fitted: set[str]) -> None:
    """Median absolute error and bias by source and part, and by device on the part left out."""
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row, error in errors:
        part = "fitted" if row["model"] in fitted else "left out"
        groups["all", part].append(error)
        groups[row["framework"].split()[0], row["metric"], part].append(error)
        if part == "left out":
            groups["device", row["device"]].append(error)
    print(title)
    for key, values in sorted(groups.items()):
        percent = 100 * np.abs(np.expm1(values))
        bias = 100 * np.expm1(np.median(values))
        print(f"  {' '.join(key):52s} {len(values):4d} rows, median {np.median(percent):4.0f} %, bias {bias:+.0f} %")


if __name__ == "__main__":
    sys.exit(main())
