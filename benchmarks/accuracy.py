"""Fit the inference constants on measured servers, and report errors on models and devices left out.

    python benchmarks/accuracy.py report            # errors with the stored constants, fitted and left out
    python benchmarks/accuracy.py fit               # refit and write the constants into the plugins' TOML files
    python benchmarks/accuracy.py check             # stored constants against benchmarks/accuracy.json

The constants are those of ``advisor_gpu/efficiency.toml`` ([default]) and ``advisor_roofline/frameworks.toml``.
Rows of 16 and 64 devices are reported but not fitted: the same values stand in the file for 4 and 8
devices, so that tensor and expert parallel degrees were multiplied into a device count by the source.
The matrix efficiency comes from measured products (benchmarks/kernels.py) and is not fitted here. Needs scipy.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from forget import forget

import advisor_roofline.constants as constants
import advisor_roofline.frameworks as frameworks
from advisor import Advisor
from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.validation.measurements import read_groups
from advisor_roofline import serving
from advisor_roofline.memory import fill_memory

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests" / "truth" / "serve_nvidia.csv"
STORED = Path(__file__).with_name("accuracy.json")
DEVICE_FILE = ROOT / "plugins" / "advisor_gpu" / "efficiency.toml"
FRAMEWORK_FILE = ROOT / "plugins" / "advisor_roofline" / "frameworks.toml"

#: Constant to its bounds: what physics allows.
DEVICE_BOUNDS = {
    "attention_efficiency": (0.45, 0.75),
    "decode_attention_efficiency": (0.05, 0.8),
    "bandwidth_efficiency": (0.75, 0.93),
    "cache_read_efficiency": (0.4, 0.93),
    "expert_read_efficiency": (0.4, 0.93),
    "dequantize_efficiency": (0.4, 1.0),
    "prefill_interference": (0.3, 1.0),
    "collective_us": (0.3, 20.0),
    "kernel_us": (3.0, 10.0),
    "routing_us": (1.0, 60.0),
    "ramp_us": (0.1, 4.0),
}
FRAMEWORK_BOUNDS = {
    "step_us": (20.0, 3000.0),
    "sequence_us": (0.5, 80.0),
    "request_ms": (10.0, 400.0),
    "burst_share": (0.02, 0.4),
    "waited_steps": (0.3, 6.0),
}
FITTED_FRAMEWORKS = ("vllm", "sglang", "tensorrt-llm")
FIRST_TOKEN_WEIGHT = 0.35  # first-token times scatter several times as much between runs
PRIOR = 0.1


@dataclass
class Measured:
    """Pairs of first-token and per-token times of one model, with their table."""

    context: Context
    table: Candidates
    model: str
    devices: Array
    first_token: Array
    per_token: Array


def load(device_counts: Callable[[int], bool]) -> list[Measured]:
    """Read the measured pairs whose device count passes."""
    registry = Advisor().registry
    rows, groups, _ = read_groups(registry, TRUTH)
    values = {row["id"]: float(row["value"]) for row in rows}
    backend = registry.backends["gpu"]
    answer = []
    for group in groups:
        keep = [
            index for index, row in enumerate(group.rows)
            if row["metric"] == "tpot_ms" and device_counts(int(row["device_count"]))
        ]  # fmt: skip
        if not keep:
            continue
        chosen = [group.rows[index] for index in keep]
        table = group.table.take(np.array(keep))
        fill_memory(table, group.context, backend.machine(table, group.context))
        answer.append(
            Measured(
                group.context, table, group.context.model.name, np.array([row["device"] for row in chosen]),
                np.array([values[row["id"].removesuffix("tpot") + "ttft"] for row in chosen]) / 1e3,
                np.array([float(row["value"]) for row in chosen]) / 1e3,
            )
        )  # fmt: skip
    return answer


class Fit:
    """The constants as one vector of logarithms, put in place of what the plugins loaded."""

    def __init__(self, data: list[Measured]) -> None:
        self.data = data
        self.backend = Advisor().registry.backends["gpu"]
        self.device = constants._load("advisor_gpu", "efficiency.toml")["default"]
        self.frameworks = frameworks.profiles()
        self.names = [("device", name) for name in DEVICE_BOUNDS]
        self.names += [(framework, name) for framework in FITTED_FRAMEWORKS for name in FRAMEWORK_BOUNDS]
        bounds = [(DEVICE_BOUNDS if home == "device" else FRAMEWORK_BOUNDS)[name] for home, name in self.names]
        self.low, self.high = np.log(np.array(bounds)).T
        self.start = np.clip(
            np.log([self._home(home)[name] for home, name in self.names]), self.low + 1e-3, self.high - 1e-3
        )

    def _home(self, home: str) -> dict[str, float]:
        if home == "device":
            return self.device
        entry = self.frameworks[home]
        for name, value in self.frameworks["default"].items():
            entry.setdefault(name, value)  # type: ignore[attr-defined]
        return entry  # type: ignore[return-value]

    def put(self, vector: Array) -> None:
        """Use these constants from now on."""
        for (home, name), value in zip(self.names, vector, strict=True):
            self._home(home)[name] = float(np.exp(value))

    def errors(self, data: Iterable[Measured] | None = None) -> tuple[Array, Array, Array, Array]:
        """Logarithms of predicted over measured for per-token and first-token times, with model and device."""
        per_token, first_token, models, devices = [], [], [], []
        data = self.data if data is None else list(data)
        forget(item.context for item in data)
        for item in data:
            answer = serving.served(item.table, item.context, self.backend.machine(item.table, item.context))
            per_token.append(np.log(answer.per_token / item.per_token))
            first_token.append(np.log(answer.first_token / item.first_token))
            models.append(np.full(len(item.table), item.model))
            devices.append(item.devices)
        return tuple(np.concatenate(parts) for parts in (per_token, first_token, models, devices))  # type: ignore[return-value]

    def fit(
        self, use: Callable[[Array, Array], Array] = lambda models, devices: np.ones(len(models), dtype=bool)
    ) -> Array:
        """Fit on the rows that ``use`` picks by model and device; return the constants' logarithms."""
        from scipy.optimize import least_squares

        def residuals(vector: Array) -> Array:
            self.put(vector)
            per_token, first_token, models, devices = self.errors()
            chosen = use(models, devices)
            robust = FIRST_TOKEN_WEIGHT * np.arctan(first_token[chosen])
            return np.concatenate([per_token[chosen], robust, PRIOR * (vector - self.start)])

        found = least_squares(
            residuals,
            self.start,
            bounds=(self.low, self.high),
            loss="soft_l1",
            f_scale=0.08,
            diff_step=0.02,
            max_nfev=20,
        )
        self.put(found.x)
        return np.asarray(found.x)


def figures(errors: Array) -> dict[str, float]:
    """Median and mean absolute percentage error, and rows."""
    percent = 100 * np.abs(np.exp(errors) - 1)
    return {"rows": len(errors), "median": round(float(np.median(percent)), 1), "mean": round(float(percent.mean()), 1)}


def write_constants(fit: Fit) -> None:
    """Write the fitted constants into the TOML files, leaving their comments as they are."""
    text = DEVICE_FILE.read_text("utf-8")
    for name in DEVICE_BOUNDS:
        text = re.sub(rf"^{name} = .*$", f"{name} = {fit.device[name]:.3g}", text, count=1, flags=re.M)
    DEVICE_FILE.write_text(text, "utf-8")
    text = FRAMEWORK_FILE.read_text("utf-8")
    for framework in FITTED_FRAMEWORKS:
        head, _, rest = text.partition(f"[{framework}]\n")
        own, mark, tail = rest.partition("\n[")
        for name in FRAMEWORK_BOUNDS:
            line = f"{name} = {fit.frameworks[framework][name]:.3g}"
            own, count = re.subn(rf"^{name} = .*$", line, own, count=1, flags=re.M)
            if not count:
                own = own.rstrip("\n") + f"\n{line}\n"
        text = f"{head}[{framework}]\n{own}{mark}{tail}"
    FRAMEWORK_FILE.write_text(text, "utf-8")


def left_out(fit: Fit) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Errors on each model, and each device, that the constants were not fitted on."""
    _, _, models, devices = fit.errors()
    answer: dict[str, dict[str, dict[str, dict[str, float]]]] = {"model": {}, "device": {}, "pooled": {}}
    for kind, labels in (("model", models), ("device", devices)):
        pooled: list[tuple[Array, Array]] = []
        for label in np.unique(labels):
            if (labels == label).sum() < 20:
                continue
            pick = (lambda m, d, label=label: m != label) if kind == "model" else (lambda m, d, label=label: d != label)
            fit.fit(pick)
            per_token, first_token, _, _ = fit.errors()
            out = labels == label
            answer[kind][str(label)] = {"tpot": figures(per_token[out]), "ttft": figures(first_token[out])}
            pooled.append((per_token[out], first_token[out]))
        tpot, ttft = (np.concatenate(parts) for parts in zip(*pooled, strict=True))
        answer["pooled"][kind] = {"tpot": figures(tpot), "ttft": figures(ttft)}
    return answer


def stored_figures(fit: Fit) -> dict[str, object]:
    """Errors with the constants as stored: all, by model, by device."""
    per_token, first_token, models, devices = fit.errors()
    answer: dict[str, object] = {"all": {"tpot": figures(per_token), "ttft": figures(first_token)}}
    for kind, labels in (("model", models), ("device", devices)):
        answer[kind] = {
            str(label): {"tpot": figures(per_token[labels == label]), "ttft": figures(first_token[labels == label])}
            for label in np.unique(labels)
        }
    return answer


def check(fit: Fit) -> int:
    """Compare with what was recorded; more than a tenth worse is a failure."""
    recorded = json.loads(STORED.read_text("utf-8"))["stored"]["all"]
    now = stored_figures(fit)["all"]
    failed = False
    for metric in ("tpot", "ttft"):
        for figure in ("median", "mean"):
            was, is_now = recorded[metric][figure], now[metric][figure]  # type: ignore[index]
            failed |= is_now > 1.1 * was + 0.2
            print(f"{metric} {figure} error: {is_now} %, recorded {was} %")
    return int(failed)


def main(command: str) -> int:
    """Run one command."""
    fit = Fit(load(lambda count: count <= 8))
    if command == "check":
        return check(fit)
    if command == "fit":
        fit.fit()
        write_constants(fit)
        for (home, name), value in zip(fit.names, [fit._home(h)[n] for h, n in fit.names], strict=True):
            print(f"{home:14s} {name:28s} {value:.4g}")
        print(json.dumps(stored_figures(fit)["all"]))
        return 0
    answer = {"stored": stored_figures(fit), "left_out": left_out(fit)}
    STORED.write_text(json.dumps(answer, indent=1) + "\n", "utf-8")
    print(json.dumps(answer, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "report"))
