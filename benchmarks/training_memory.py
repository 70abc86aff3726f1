"""Fit the constants of training memory on published peaks, and report errors on models and sources not fitted.

    python benchmarks/training_memory.py           # fit, write the constants, report
    python benchmarks/training_memory.py --dry     # report alone

Either writes what it reports to benchmarks/training_memory.json. ``low`` and ``high`` of "models not fitted" hold 80 %
of the measured peaks over the predicted ones: ``INTERVAL`` of advisor_roofline/training_memory.py.

Fits the figures of ``CONSTANTS`` in ``advisor_roofline/frameworks.toml`` on the rows of tests/truth/train_*.csv with
metric ``memory_gb_per_device``: first on the models of one half, drawn by a hash of their names, to judge on the other;
then with each source (file) left out in turn; then on all. What is in the formulas of ``training_memory.py`` is not
fitted. The figures that share a row of ``CONSTANTS`` are one number. Needs scipy.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path

import numpy as np
from forget import forget
from scipy.optimize import least_squares

import advisor_roofline.frameworks as frameworks
from advisor import Advisor
from advisor.estimating import by_backend, memory
from advisor.registry import Registry
from advisor.validation.measurements import Group, read_groups
from advisor.validation.predictions import predict

ROOT = Path(__file__).resolve().parent.parent
RECORD = Path(__file__).with_name("training_memory.json")
FRAMEWORK_FILE = ROOT / "plugins" / "advisor_roofline" / "frameworks.toml"
METRIC = "memory_gb_per_device"
#: Tables and figure: lowest, highest, first guess (from what each framework is known to keep).
CONSTANTS: dict[tuple[tuple[str, ...], str], tuple[float, float, float]] = {
    (("default",), "allocator_waste"): (0.005, 0.2, 0.03),
    (("default",), "collective_gib"): (0.05, 2.0, 0.25),
    (("default",), "logit_bytes"): (4.0, 16.0, 10.0),
    (("torchtune",), "logit_bytes"): (4.0, 18.0, 11.0),
    (("pytorch", "peft", "axolotl", "deepspeed"), "logit_bytes"): (4.0, 18.0, 14.0),
    (("with.chunked",), "logit_bytes"): (1.0, 8.0, 2.5),
}


def load(registry: Registry) -> list[tuple[str, Group, np.ndarray]]:
    """Groups with their file and the positions of the peaks in them."""
    answer = []
    for path in sorted((ROOT / "tests" / "truth").glob("train_*.csv")):
        for group in read_groups(registry, path)[1]:
            keep = np.array([index for index, row in enumerate(group.rows) if row["metric"] == METRIC], dtype=int)
            if len(keep):
                answer.append((path.stem, group, keep))
    return answer


def errors(registry: Registry, loaded: list[tuple[str, Group, np.ndarray]]) -> np.ndarray:
    """Logarithms of predicted over measured."""
    answer = []
    forget(group.context for _, group, _ in loaded)
    for _, group, keep in loaded:
        table, found = group.table.take(keep), np.full(len(keep), np.nan)
        for backend, positions in by_backend(table, group.context, registry.backends):
            part = table.take(positions)
            if memory(backend, part, group.context, registry.owner(backend)):
                for place, position in enumerate(positions):
                    row = group.rows[keep[position]]
                    predicted = predict(row, part, place, group.context)["predicted"]
                    found[position] = np.log(predicted / float(row["value"]))
        answer.append(found)
    return np.concatenate(answer)


def table_of(name: str) -> dict[str, float]:
    """The loaded table in which a figure stands."""
    found = frameworks.profiles()
    for word in name.split("."):
        found = found[word]  # type: ignore[assignment]
    return found  # type: ignore[return-value]


def put(logs: np.ndarray) -> None:
    """Use these constants from now on."""
    for (tables, figure), value in zip(CONSTANTS, logs, strict=True):
        for name in tables:
            table_of(name)[figure] = float(np.exp(value))


def fit(registry: Registry, loaded: list[tuple[str, Group, np.ndarray]], use: np.ndarray) -> np.ndarray:
    """Fit on the rows of the mask, from the first guesses; return the constants' logarithms."""
    low, high, start = np.log(np.array(list(CONSTANTS.values()))).T

    def residuals(logs: np.ndarray) -> np.ndarray:
        put(logs)
        return np.concatenate([errors(registry, loaded)[use], 0.25 * (logs - start)])

    found = least_squares(residuals, start, bounds=(low - 1e-6, high + 1e-6), loss="cauchy", f_scale=0.06,
                          diff_step=0.02, max_nfev=8)  # fmt: skip
    put(found.x)
    return np.asarray(found.x)


def report(record: dict[str, dict[str, float]], title: str, values: np.ndarray) -> None:
    """Print and record rows, median, mean and worst absolute percentage error."""
    percent = 100 * np.abs(np.expm1(values[np.isfinite(values)]))
    if not len(percent):
        return
    print(f"{title:44s} {len(percent):5d} rows, median error {np.median(percent):5.1f} %, mean {percent.mean():5.1f} %")
    record[title] = {"rows": len(percent), "median": round(float(np.median(percent)), 2),
                     "mean": round(float(percent.mean()), 2), "worst": round(float(percent.max()), 2)}  # fmt: skip


def write(logs: np.ndarray) -> None:
    """Write the constants into the TOML file."""
    text = FRAMEWORK_FILE.read_text("utf-8")
    for (tables, figure), value in zip(CONSTANTS, np.exp(logs), strict=True):
        for name in tables:
            begin = text.index(f"[{name}]")
            end = text.find("\n[", begin)
            end = len(text) if end < 0 else end
            body, count = re.subn(rf"^{figure} = .*$", f"{figure} = {value:.3g}", text[begin:end], flags=re.M)
            assert count == 1, (name, figure)
            text = text[:begin] + body + text[end:]
    FRAMEWORK_FILE.write_text(text, "utf-8")


def main(dry: bool) -> None:
    """Fit by halves, without each source, and on all; report."""
    registry = Advisor().registry
    loaded = load(registry)
    record: dict[str, dict[str, float]] = {}
    files = np.concatenate([np.full(len(keep), name) for name, _, keep in loaded])
    models = np.concatenate([np.full(len(keep), group.context.model.name) for _, group, keep in loaded])
    adapters = np.concatenate([[group.rows[i]["method"] != "full" for i in keep] for _, group, keep in loaded])
    half = np.array([zlib.crc32(name.encode()) % 2 == 0 for name in models])
    known = np.isfinite(errors(registry, loaded))
    for title, splits in (
        ("models not fitted", [(half, ~half), (~half, half)]),
        ("sources not fitted", [(files != name, files == name) for name in np.unique(files)]),
    ):
        judged = np.full(len(files), np.nan)
        for fitted, other in splits:
            fit(registry, loaded, fitted & known)
            judged[other] = errors(registry, loaded)[other]
        report(record, title, judged)
        report(record, f"{title}, adapters", judged[adapters])
        ends = np.exp(np.quantile(-judged[known], (0.1, 0.9)))
        record[title] |= {"low": round(float(ends[0]), 3), "high": round(float(ends[1]), 3)}  # 80 % of measured peaks
        for name in np.unique(files):
            report(record, f"{title}, {name}", judged[files == name])
    found = fit(registry, loaded, known)
    judged = errors(registry, loaded)
    report(record, "fitted on all", judged)
    for name in np.unique(files):
        report(record, f"fitted on all, {name}", judged[files == name])
    for (tables, figure), value in zip(CONSTANTS, np.exp(found), strict=True):
        print(f"  {' '.join(tables)[:40]:40s} {figure:18s} {value:.3g}")
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    if not dry:
        write(found)


if __name__ == "__main__":
    main("--dry" in sys.argv[1:])
