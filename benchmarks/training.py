"""Fit the training constants on published runs, and report errors on the models not fitted.

    python benchmarks/training.py           # fit, write the constants, report
    python benchmarks/training.py --dry     # report alone
    python benchmarks/training.py --stored  # errors of the stored constants alone; what fits reached stays recorded

Either writes what it reports to benchmarks/training.json.

Fits ``sustained`` and ``cast_passes`` of ``advisor_gpu/efficiency.toml`` and the training figures of
``advisor_roofline/frameworks.toml`` on tests/truth/train_*.csv, first on the models of one half, drawn by a hash of
their names, to judge on the other, then without each source (file) in turn, then on all. The eight Megatron runs that
Calculon was validated on (train_megatron_cases.csv) are never fitted, nor are rows whose notes tell of offload. Needs
scipy.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from families import Part, errors
from scipy.optimize import least_squares

import advisor_roofline.constants as constants
import advisor_roofline.frameworks as frameworks
from advisor import Advisor
from advisor.validation.measurements import read_groups

ROOT = Path(__file__).resolve().parent.parent
RECORD = Path(__file__).with_name("training.json")
DEVICE_FILE = ROOT / "plugins" / "advisor_gpu" / "efficiency.toml"
TPU_FILE = ROOT / "plugins" / "advisor_tpu" / "efficiency.toml"
FRAMEWORK_FILE = ROOT / "plugins" / "advisor_roofline" / "frameworks.toml"
METRICS = ("train_tokens_per_s", "step_time_s", "samples_per_s", "model_tflops_per_device")
#: Never fitted: what judges.
JUDGED_ONLY = ("train_megatron_cases",)
#: Families with an interval of their own, where so many rows speak for it.
FAMILIES = ("Ampere", "Hopper", "Blackwell", "Ada Lovelace")
LEAST_ROWS = 12
Z80 = 1.2816
#: (where, table, figure): lowest, highest, first guess.
CONSTANTS = {
    ("device", "Hopper", "sustained"): (0.6, 1.0, 0.85),
    ("device", "Blackwell", "sustained"): (0.55, 1.0, 0.8),
    ("device", "Ampere", "sustained"): (0.7, 1.0, 0.95),
    ("device", "Hopper", "training_attention"): (0.15, 0.8, 0.4),
    ("device", "Ampere", "training_attention"): (0.15, 0.8, 0.5),
    ("device", "", "cast_passes"): (0.1, 6.0, 1.0),
    ("tpu", "", "sustained"): (0.7, 2.0, 1.7),
    ("device", "Ada Lovelace", "sustained"): (0.7, 1.3, 1.0),
    ("framework", "default", "image_passes"): (0.1, 4.0, 1.0),
    ("framework", "pytorch", "unfused_passes"): (1.0, 12.0, 5.0),
    ("framework", "pytorch", "eager_us"): (10.0, 200.0, 60.0),
    ("framework", "with.compile", "unfused_passes"): (0.5, 4.0, 2.0),
    ("framework", "with.thunder", "unfused_passes"): (0.5, 4.0, 2.0),
    ("framework", "default", "tuning"): (0.5, 1.0, 0.9),
    ("framework", "default", "unfused_passes"): (1.0, 6.0, 2.0),
    ("framework", "megatron", "unfused_passes"): (1.0, 4.0, 1.2),
    ("framework", "megatron", "eager_routing_us"): (300.0, 6000.0, 2600.0),
    ("framework", "megatron", "attention_boost"): (0.6, 2.2, 1.3),
    ("framework", "llm-foundry", "attention_boost"): (0.25, 1.6, 0.7),
    ("framework", "deepspeed", "exchange_overlap"): (0.05, 0.9, 0.6),
    ("framework", "pytorch", "layout_passes"): (0.2, 6.0, 2.0),
    ("framework", "with.partial graphs", "eager_routing_us"): (50.0, 3000.0, 1000.0),
    ("framework", "with.eager attention", "score_passes"): (1.0, 16.0, 7.0),
    ("framework", "megatron-lm", "unfused_passes"): (1.0, 4.0, 1.5),
    ("framework", "megatron-lm", "score_passes"): (1.0, 12.0, 6.0),
}


def load() -> list[tuple[str, Part]]:
    """Rows of times, by file and group; those that offload are left out."""
    registry = Advisor().registry
    answer = []
    for path in sorted((ROOT / "tests" / "truth").glob("train_*.csv")):
        _, groups, _ = read_groups(registry, path)
        for group in groups:
            keep = np.array([
                index for index, row in enumerate(group.rows)
                if row["metric"] in METRICS and "offload" not in row.get("notes", "").lower()
            ], dtype=int)  # fmt: skip
            if len(keep):
                half = zlib.crc32(group.context.model.name.encode()) % 2 == 0
                chosen = [group.rows[index] for index in keep]
                part = Part(group.context, group.table.take(keep), chosen, np.full(len(keep), half))
                answer.append((path.stem, part))
    return answer


#: Figures that are those of another table: PEFT trains with transformers.
SHARED = {("framework", "pytorch", "unfused_passes"): ("framework", "peft", "unfused_passes"),
          ("framework", "pytorch", "eager_us"): ("framework", "peft", "eager_us")}  # fmt: skip


def home(where: str, table: str) -> dict[str, float]:
    """The loaded table in which a constant stands."""
    if where == "framework":
        found: Any = frameworks.profiles()
        for name in table.split("."):
            found = found[name]
        return found
    loaded = constants._load("advisor_tpu" if where == "tpu" else "advisor_gpu", "efficiency.toml")
    return loaded["default"] if not table else loaded.setdefault("family", {}).setdefault(table, {})


def put(logs: np.ndarray) -> None:
    """Use these constants from now on."""
    for (where, table, figure), value in zip(CONSTANTS, logs, strict=True):
        home(where, table)[figure] = float(np.exp(value))
    for (where, table, figure), (_, other, name) in SHARED.items():
        home(where, other)[name] = home(where, table)[figure]


def fit(parts: list[Part], use: np.ndarray) -> np.ndarray:
    """Fit on the rows of the mask, from the first guesses; return the constants' logarithms."""
    low, high, start = np.log(np.array(list(CONSTANTS.values()))).T

    def residuals(logs: np.ndarray) -> np.ndarray:
        put(logs)
        return np.concatenate([np.nan_to_num(errors(parts)[use]), 0.2 * (logs - start)])

    found = least_squares(
        residuals, np.clip(start, low + 1e-3, high - 1e-3), bounds=(low, high), loss="soft_l1", f_scale=0.12,
        diff_step=0.03, max_nfev=5,
    )
    put(found.x)
    return np.asarray(found.x)


def without(source: str) -> np.ndarray:
    """Errors on a source's rows with the constants of a fit on the others; NaN elsewhere."""
    loaded = load()
    parts = [part for _, part in loaded]
    files = np.concatenate([np.full(len(part.rows), name) for name, part in loaded])
    known = np.isfinite(errors(parts))
    fit(parts, known & (files != source) & ~np.isin(files, JUDGED_ONLY))
    return np.where(files == source, errors(parts), np.nan)


def sources_left_out(record: dict[str, dict[str, float]], files: np.ndarray) -> None:
    """Record errors on each source that was left out of the fit, and on all of them."""
    names = [name for name in np.unique(files) if name not in JUDGED_ONLY]
    with ProcessPoolExecutor() as pool:
        found = dict(zip(names, pool.map(without, names), strict=True))
    judged = [values[np.isfinite(values)] for values in found.values()]
    report(record, "sources not fitted", np.concatenate(judged))
    for name, values in found.items():
        report(record, f"sources not fitted, {name}", values)


def report(record: dict[str, dict[str, float]], title: str, values: np.ndarray) -> None:
    """Print and record rows, median, mean and worst absolute percentage error of times."""
    percent = 100 * np.abs(np.expm1(values[np.isfinite(values)]))
    if not len(percent):
        return
    print(f"{title:44s} {len(percent):5d} rows, median error {np.median(percent):5.1f} %, mean {percent.mean():5.1f} %")
    record[title.strip()] = {"rows": len(percent), **{
        name: round(float(value), 2)
        for name, value in (("median", np.median(percent)), ("mean", percent.mean()), ("worst", percent.max()))
    }}  # fmt: skip


def write() -> None:
    """Write the constants into the TOML files."""
    files = {"device": DEVICE_FILE, "tpu": TPU_FILE, "framework": FRAMEWORK_FILE}
    texts = {path: path.read_text("utf-8") for path in files.values()}
    spreads = [(where, table, "training_spread") for where, table in
               [("device", ""), ("tpu", ""), *(("device", name) for name in FAMILIES)]
               if "training_spread" in home(where, table)]  # fmt: skip
    for where, table, figure in [*CONSTANTS, *SHARED.values(), *spreads]:
        path = files[where]
        value = f"{home(where, table)[figure]:.3g}"
        name = (table or "default") if where == "framework" or not table else f"family.{table}"
        first, _, second = name.partition(".")
        head = rf'\[{re.escape(name)}\]|\[{re.escape(first)}\."{re.escape(second)}"\]'
        pattern = rf'({head})([^\n]*\n)((?:(?!\n\[)[\s\S])*)'
        match = re.search(pattern, texts[path])
        assert match, (path, name)
        body, count = re.subn(rf"^{figure} = .*$", f"{figure} = {value}", match.group(3), count=1, flags=re.M)
        body = body if count else f"{figure} = {value}\n" + body
        texts[path] = texts[path][: match.start()] + match.group(1) + match.group(2) + body + texts[path][match.end() :]
    for path, text in texts.items():
        path.write_text(text, "utf-8")


def set_spreads(parts: list[Part], judged: np.ndarray) -> None:
    """Set each family's ``training_spread`` to what holds 80 % of the errors on models not fitted."""
    families = np.concatenate([
        np.array([device.family for device in part.context.device_list])[part.table["device"]] for part in parts
    ])  # fmt: skip
    tpu = np.array([name == "TPU" for name in families])
    for where, table, chosen in [("device", "", ~tpu), ("tpu", "", tpu),
                                 *(("device", name, families == name) for name in FAMILIES)]:  # fmt: skip
        found = np.abs(judged[chosen & np.isfinite(judged)])
        if len(found) >= LEAST_ROWS:
            home(where, table)["training_spread"] = float(np.quantile(found, 0.8)) / Z80


def main(dry: bool) -> None:
    """Fit twice by halves and once on all; report."""
    record: dict[str, dict[str, float]] = {}
    loaded = load()
    parts = [part for _, part in loaded]
    files = np.concatenate([np.full(len(part.rows), name) for name, part in loaded])
    half = np.concatenate([part.half for part in parts])
    stored = errors(parts)
    known = np.isfinite(stored)
    fitted = known & ~np.isin(files, JUDGED_ONLY)
    report(record, "stored constants", stored[fitted])
    for name in np.unique(files):
        report(record, f"  {name}", stored[files == name])
    if "--stored" in sys.argv[1:]:
        RECORD.write_text(json.dumps({**json.loads(RECORD.read_text("utf-8")), **record}, indent=1) + "\n", "utf-8")
        return
    judged = np.full(len(stored), np.nan)
    for chosen in (half, ~half):
        fit(parts, chosen & fitted)
        now = errors(parts)
        judged[~chosen & fitted] = now[~chosen & fitted]
    report(record, "models not fitted", judged)
    for name in np.unique(files):
        report(record, f"models not fitted, {name}", judged[files == name])
    sources_left_out(record, files)
    constants_found = fit(parts, fitted)
    set_spreads(parts, judged)
    report(record, "fitted on all", errors(parts)[fitted])
    for name in np.unique(files):
        report(record, f"fitted on all, {name}", errors(parts)[files == name])
    report(record, "Calculon's Megatron cases, not fitted", errors(parts)[files == JUDGED_ONLY[0]])
    for (where, table, figure), value in zip(CONSTANTS, np.exp(constants_found), strict=True):
        print(f"  {where:9s} {table:12s} {figure:18s} {value:.3g}")
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    if not dry:
        write()


if __name__ == "__main__":
    main("--dry" in sys.argv[1:])
