"""Fit the time of matrix products on measured kernels, and report the error on devices left out.

    python benchmarks/kernels.py

Prints, and writes to benchmarks/kernels.json, the constants of ``advisor_gpu/efficiency.toml``
(matrix_efficiency, split_depth) and of ``advisor_roofline/step.py`` (OVERLAP_SHARPNESS) with their error on
tests/truth/kernels_vidur.csv: 16-bit products with 1 to 4,096 rows on A40, A100 and H100. The formula is that
of ``Kernels._fill``. Needs scipy.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from advisor import Advisor

ROWS = Path(__file__).resolve().parent.parent / "tests" / "truth" / "kernels_vidur.csv"
RECORD = Path(__file__).with_name("kernels.json")
START = {
    "matrix_efficiency": 0.75,
    "bandwidth_efficiency": 0.8,
    "fixed_us": 3.0,
    "overlap_sharpness": 3.0,
    "split_depth": 2048.0,
}


def load() -> dict[str, np.ndarray]:
    """Shapes, times in s, and the devices' peak rates."""
    devices = Advisor().registry.devices
    with ROWS.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["op"] == "gemm"]
    known = [devices[row["device"]] for row in rows]
    return {
        "device": np.array([row["device"] for row in rows]),
        **{axis: np.array([float(row[axis]) for row in rows]) for axis in "mnk"},
        "seconds": np.array([float(row["value_us"]) for row in rows]) * 1e-6,
        "flops": np.array([device.peak_tflops["fp16"] for device in known]) * 1e12,
        "vector": np.array([device.peak_tflops["fp32"] for device in known]) * 1e12,
        "bandwidth": np.array([device.memory_bandwidth_gb_per_s for device in known]) * 1e9,
        "units": np.array([device.compute_units for device in known], dtype=float),
    }


def predict(data: dict[str, np.ndarray], logs: np.ndarray) -> np.ndarray:
    """Seconds of each product with the constants exp(logs), in the order of ``START``."""
    efficiency, reach, fixed, sharpness, depth = np.exp(logs)
    m, n, k = data["m"], data["n"], data["k"]
    blocks = np.ceil(m / 128) * np.ceil(n / 128) * np.maximum(1, k / depth)
    waves = blocks / data["units"]
    rows = np.maximum(m / (np.ceil(m / 16) * 16), data["vector"] / data["flops"])  # few rows run on vector units
    fill = np.where(waves > 16, 1, waves / np.maximum(np.ceil(waves), 1)) * rows
    arithmetic = 2 * m * n * k / (data["flops"] * efficiency * fill)
    traffic = 2 * (m * n + n * k + m * k) / (data["bandwidth"] * reach)
    return (arithmetic**sharpness + traffic**sharpness) ** (1 / sharpness) + fixed * 1e-6


def fit(data: dict[str, np.ndarray], use: np.ndarray) -> np.ndarray:
    """Fit on the rows of the mask; return the logarithms of the constants."""
    chosen = {name: column[use] for name, column in data.items()}
    start = np.log(list(START.values()))
    found = least_squares(
        lambda logs: np.log(predict(chosen, logs) / chosen["seconds"]), start, loss="soft_l1", f_scale=0.1
    )
    return np.asarray(found.x)


def main() -> None:
    """Print the fit on all rows, and the error on each device with the constants fitted on the others."""
    data = load()
    everything = np.ones(len(data["m"]), dtype=bool)
    constants = fit(data, everything)
    record: dict[str, dict[str, float]] = {"constants": {}}
    for name, value in zip(START, np.exp(constants), strict=True):
        print(f"{name:22s} {value:.4g}")
        record["constants"][name] = float(f"{value:.4g}")
    for device in ["", *np.unique(data["device"])]:
        out = everything if not device else data["device"] == device
        logs = constants if not device else fit(data, ~out)
        error = 100 * np.abs(predict(data, logs)[out] / data["seconds"][out] - 1)
        name = f"{device} left out" if device else "all, fitted"
        print(f"{name:36s} {out.sum():5d} rows, median error {np.median(error):.1f} %, mean {error.mean():.1f} %")
        record[name] = {"rows": int(out.sum()), "median": round(float(np.median(error)), 1),
                        "mean": round(float(error.mean()), 1)}  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
