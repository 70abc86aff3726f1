"""Fit three efficiencies of each device family on published results, and report errors on models not fitted.

    python benchmarks/families.py           # report and write the constants of accelerator families
    python benchmarks/families.py --dry     # report alone

Either writes what it reports to benchmarks/families.json.

For each family of GPUs and TPUs with enough rows in tests/truth/ (those of benchmarks/accuracy.py apart),
``matrix_efficiency``, ``bandwidth_efficiency`` and ``cache_read_efficiency`` are fitted on the models of one
half, drawn by a hash of their names, and judged on the other half; then fitted on all and written, with a
spread that holds 80 % of the errors, into ``[family."NAME"]`` of the plugin's efficiency.toml. Where the fit does
not help on the models not fitted, only the spread is written. Needs scipy.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from forget import forget
from scipy.optimize import least_squares

import advisor_roofline.constants as constants
from advisor import Advisor
from advisor.candidates import Candidates
from advisor.context import Context
from advisor.estimating import by_backend, estimate, memory
from advisor.validation.measurements import read_groups
from advisor.validation.predictions import predict
from advisor_roofline.backend import FIRST_TOKEN_SPREAD, THROUGHPUT_SPREAD

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests" / "truth"
RECORD = Path(__file__).with_name("families.json")
FILES = [path for path in sorted(TRUTH.glob("*.csv")) if path.name not in ("serve_nvidia.csv", "kernels_vidur.csv")
         and not path.name.startswith("train_")]  # fmt: skip
BOUNDS = {"matrix_efficiency": (0.08, 0.95), "bandwidth_efficiency": (0.15, 0.95),
          "cache_read_efficiency": (0.15, 0.95)}  # fmt: skip
LEAST_ROWS, LEAST_MODELS = 12, 2
Z80 = 1.2816
PRIOR = 0.3


@dataclass
class Part:
    """Rows of one family in one group."""

    context: Context
    table: Candidates
    rows: list[dict[str, str]]
    half: np.ndarray


def load() -> dict[tuple[str, str], list[Part]]:
    """Rows by (backend, family)."""
    registry = Advisor().registry
    parts: dict[tuple[str, str], list[Part]] = {}
    for path in FILES:
        _, groups, _ = read_groups(registry, path)
        for group in groups:
            family = np.array([device.family for device in group.context.device_list])[group.table["device"]]
            backend = np.array([device.backend_name for device in group.context.device_list])[group.table["device"]]
            numeric = np.array([row["metric"] not in ("fits", "power_w", "energy_j_per_token") for row in group.rows])
            for key in {(b, f) for b, f in zip(backend, family, strict=True)}:
                keep = np.flatnonzero((backend == key[0]) & (family == key[1]) & numeric)
                if len(keep):
                    half = zlib.crc32(group.context.model.name.encode()) % 2 == 0
                    parts.setdefault(key, []).append(
                        Part(
                            group.context,
                            group.table.take(keep),
                            [group.rows[i] for i in keep],
                            np.full(len(keep), half),
                        )
                    )
    return parts


def errors(parts: list[Part]) -> np.ndarray:
    """Logarithms of predicted over measured, rates turned into times."""
    registry = Advisor().registry
    answer = []
    forget(part.context for part in parts)
    for part in parts:
        found = np.full(len(part.rows), np.nan)
        for backend, positions in by_backend(part.table, part.context, registry.backends):
            table = part.table.take(positions)
            owner = registry.owner(backend)
            if not (memory(backend, table, part.context, owner) and estimate(backend, table, part.context, owner)):
                continue
            for place, position in enumerate(positions):
                row = part.rows[position]
                predicted = predict(row, table, place, part.context)["predicted"]
                if predicted and float(row["value"]) > 0:
                    sign = -1.0 if row["metric"].endswith("_per_s") else 1.0
                    found[position] = sign * np.log(predicted / float(row["value"]))
        answer.append(found)
    return np.concatenate(answer)


def scales(parts: list[Part]) -> np.ndarray:
    """By what the interval of each row's metric is wider than that of a time per token."""
    wider = {"ttft_ms": FIRST_TOKEN_SPREAD, "prefill_tokens_per_s": FIRST_TOKEN_SPREAD}
    answer = []
    for part in parts:
        rates = THROUGHPUT_SPREAD if part.context.model.generates else 1.0
        answer.append([wider.get(row["metric"], rates if row["metric"].endswith("_per_s") else 1.0)
                       for row in part.rows])  # fmt: skip
    return np.concatenate([np.array(found) for found in answer])


def fit(parts: list[Part], family: str, package: str, use: np.ndarray) -> dict[str, float]:
    """Fit the efficiencies on the rows of the mask."""
    loaded = constants._load(package, "efficiency.toml")
    own = loaded.setdefault("family", {}).setdefault(family, {})
    start = np.log([loaded["default"][name] for name in BOUNDS])
    low, high = np.log(np.array(list(BOUNDS.values()))).T

    def residuals(logs: np.ndarray) -> np.ndarray:
        own.update({name: float(np.exp(value)) for name, value in zip(BOUNDS, logs, strict=True)})
        found = errors(parts)[use]
        return np.concatenate([np.nan_to_num(found), PRIOR * np.sqrt(use.sum() / 10) * (logs - start)])

    start = np.clip(start, low + 1e-3, high - 1e-3)
    found = least_squares(
        residuals, start, bounds=(low, high), loss="soft_l1", f_scale=0.15, diff_step=0.03, max_nfev=12
    )
    own.update({name: float(np.exp(value)) for name, value in zip(BOUNDS, found.x, strict=True)})
    return dict(own)


def write(package: str, tables: dict[str, dict[str, float]]) -> None:
    """Replace the fitted families' tables in the plugin's file."""
    path = ROOT / "plugins" / package / "efficiency.toml"
    text = path.read_text("utf-8").split("\n# Fitted by benchmarks/families.py")[0].rstrip("\n")
    for family in tables:
        text = re.sub(rf'\n\[family\."?{re.escape(family)}"?\]\n(?:[^\[\n].*\n?)*', "\n", text)
    lines = ["", "# Fitted by benchmarks/families.py on tests/truth; rows and errors stand in docs/accuracy.md."]
    for family, table in sorted(tables.items()):
        lines += [f'[family."{family}"]', *(f"{name} = {value:.3g}" for name, value in sorted(table.items())), ""]
    path.write_text(text.rstrip("\n") + "\n" + "\n".join(lines).rstrip("\n") + "\n", "utf-8")


def main(dry: bool) -> None:
    """Fit every family and print what was reached."""
    tables: dict[str, dict[str, dict[str, float]]] = {"advisor_gpu": {}, "advisor_tpu": {}}
    record: dict[str, dict[str, float]] = {}
    print(f"{'family':20s} {'rows':>5s} {'models':>6s} {'default':>8s} {'not fitted':>10s} {'fitted':>7s}  "
          "median error, %")  # fmt: skip
    for (backend, family), parts in sorted(load().items()):
        package = f"advisor_{backend}"
        names = {part.context.model.name for part in parts}
        count = sum(len(part.rows) for part in parts)
        if (
            package not in tables
            or family in ("Hopper", "Blackwell")
            or count < LEAST_ROWS
            or len(names) < LEAST_MODELS
        ):
            continue
        stored = constants._load(package, "efficiency.toml").get("family", {})
        others = stored.pop(family, {})
        stored[family] = {name: value for name, value in others.items() if name not in (*BOUNDS, "spread")}
        before = errors(parts)
        half = np.concatenate([part.half for part in parts])
        known = np.isfinite(before)
        judged, wide, scale = [], [], scales(parts)
        for chosen in (half, ~half):
            if (chosen & known).any() and (~chosen & known).any():
                fit(parts, family, package, chosen & known)
                judged.append(errors(parts)[~chosen & known])
                wide.append(scale[~chosen & known])
        own = fit(parts, family, package, known)
        after = errors(parts)[known]
        out = np.concatenate(judged) if judged else after
        width = np.concatenate(wide) if judged else scale[known]
        spread = float(np.clip(np.quantile(np.abs(out) / width, 0.8) / Z80, 0.15, 0.6))
        figures = [100 * np.median(np.abs(np.expm1(values))) for values in (before[known], out, after)]
        helps = figures[1] < figures[0] - 0.5  # else the default constants do as well on models not fitted
        if not helps:
            spread = float(np.clip(np.quantile(np.abs(before[known]) / scale[known], 0.8) / Z80, 0.15, 0.6))
        kept = {name: value for name, value in others.items() if name not in (*BOUNDS, "spread")}
        tables[package][family] = {**kept, **({name: own[name] for name in BOUNDS} if helps else {}), "spread": spread}
        stages = zip(("default", "not_fitted", "fitted"), figures, strict=True)
        record[family] = {"rows": count, "models": len(names), "spread": round(spread, 3), "uses_fit": bool(helps),
                          **{name: round(float(value), 1) for name, value in stages}}  # fmt: skip
        print(f"{family:20s} {count:5d} {len(names):6d} {figures[0]:8.1f} {figures[1]:10.1f} {figures[2]:7.1f}  "
              + " ".join(f"{name}={own[name]:.2f}" for name in BOUNDS) + f" spread={spread:.2f}")  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    if not dry:
        for package, found in tables.items():
            if found:
                write(package, found)


if __name__ == "__main__":
    main("--dry" in sys.argv[1:])
