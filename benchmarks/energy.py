"""Fit what devices draw on measured power, and report errors on models, networks and processors not fitted.

    python benchmarks/energy.py           # fit, write plugins/advisor_roofline/power.toml, record, docs/energy.md
    python benchmarks/energy.py --dry     # record and page alone, with the constants as they are

Servers (tests/truth/serve_energy_nvidia.csv): four shares of the range from idle to board power, fitted on the models
of one half, judged on the other, and again with each model left out; variants of one model stay together. Power limits
(tests/truth/power/power_limits.csv): the exponent of the clock, each network left out. Hosts (cpu_power.csv): power
against load, each machine left out. Runs (energy_runs.csv): not fitted but for one scale of TPUs. Needs scipy.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from energy_page import page
from scipy.optimize import least_squares

import advisor_roofline.backend as roofline
from advisor import Advisor
from advisor.estimating import by_backend, estimate, memory
from advisor.validation.measurements import read_groups
from advisor_energy.figures import energy_figures

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "tests" / "truth"
OWN = TRUTH / "power"  # files with columns of their own
RECORD = Path(__file__).with_name("energy.json")
PAGE = ROOT / "docs" / "energy.md"
CONSTANTS = ROOT / "plugins" / "advisor_roofline" / "power.toml"
NAMES = ("arithmetic", "traffic", "link", "waiting")
IDLE_SHARE = 0.15  # of board power, where no idle power is known, as advisor.estimating has it
#: Share of its peak that a long product reaches: turns an achieved rate into time under arithmetic.
LONG_PRODUCT = 0.75


def table(name: str) -> list[dict[str, str]]:
    """Rows of one file of measurements."""
    with (OWN / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def servers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time shares with idle and board power, watts of one device, and the model's name, by row."""
    registry = Advisor().registry
    steps: list[tuple[Any, Any]] = []
    plain = roofline.mean_power
    roofline.mean_power = lambda step, machine, *rest: steps.append((step, machine)) or plain(step, machine, *rest)
    shares, watts, names = [], [], []
    _, groups, _ = read_groups(registry, TRUTH / "serve_energy_nvidia.csv")
    for group in groups:
        keep = np.array([place for place, row in enumerate(group.rows) if row["metric"] == "power_w"], dtype=int)
        rows = group.table.take(keep)
        for backend, positions in by_backend(rows, group.context, registry.backends):
            part = rows.take(positions)
            steps.clear()
            memory(backend, part, group.context, "")
            estimate(backend, part, group.context, "")
            step, machine = steps[0]
            time = np.stack([step.compute, step.memory, step.link, step.launch + step.host], 1) / step.total[:, None]
            shares.append(np.column_stack([time, machine.idle_power, machine.board_power]))
            measured = np.array([float(group.rows[keep[place]]["value"]) for place in positions])
            watts.append(measured / part["device_count"])
            names += [re.sub(r"-(Instruct|Thinking|2507|FP8)\b.*", "", group.context.model.name)] * len(positions)
    roofline.mean_power = plain
    return np.concatenate(shares), np.concatenate(watts), np.array(names)


def draw(constants: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Watts of one device."""
    idle, board = shares[:, 4], shares[:, 5]
    return np.asarray(idle + (board - idle) * np.clip(shares[:, :4] @ constants, 0, 1))


def fit_servers(shares: np.ndarray, watts: np.ndarray) -> np.ndarray:
    """The four shares; arithmetic alone draws board power at most."""
    found = least_squares(lambda x: np.log(draw(x, shares) / watts), [0.95, 0.7, 0.5, 0.3],
                          bounds=(0, 1), loss="soft_l1", f_scale=0.1)  # fmt: skip
    return np.asarray(found.x)


def limits() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Runs under a limit that binds: what is left over idle, network; and time over that at the highest limit."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in table("power_limits.csv"):
        key = tuple(row[name] for name in ("device", "network", "dataset", "batch", "optimizer"))
        groups.setdefault(key, []).append(row)
    left, slower, networks = [], [], []
    for rows in groups.values():
        top = max(rows, key=lambda row: float(row["power_limit_w"]))
        idle = IDLE_SHARE * float(top["power_limit_w"])
        for row in rows:
            if float(row["power_limit_w"]) < float(top["power_w"]):
                left.append((float(row["power_limit_w"]) - idle) / (float(top["power_w"]) - idle))
                slower.append(float(row["seconds_per_epoch"]) / float(top["seconds_per_epoch"]))
                networks.append(row["network"])
    return {"left": np.array(left), "group": np.array(networks)}, np.array(slower)


def slowdown(exponent: np.ndarray, data: dict[str, np.ndarray]) -> np.ndarray:
    """Time over that without a cap."""
    return np.asarray(1 / np.clip(data["left"] ** (1 / exponent[0]), 0.2, 1))


def processors() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Load, and the idle and full power of each machine; watts at that load."""
    machines: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table("cpu_power.csv"):
        machines.setdefault((row["machine"], row["load_type"]), []).append(row)
    load, idle, full, watts, names = [], [], [], [], []
    for (machine, _), rows in machines.items():
        lowest, highest = (pick(float(row["power_w"]) for row in rows) for pick in (min, max))
        for row in rows:
            share = float(row["load_percent"]) / 100
            if 0.05 < share < 0.95:
                load.append(share)
                idle.append(lowest)
                full.append(highest)
                watts.append(float(row["power_w"]))
                names.append(machine)
    data = {"load": load, "idle": idle, "full": full, "group": names}
    return {name: np.array(column) for name, column in data.items()}, np.array(watts)


def by_load(exponent: np.ndarray, data: dict[str, np.ndarray]) -> np.ndarray:
    """Watts at a load: idle, and the rest as load ** exponent; 1 is linear."""
    return np.asarray(data["idle"] + (data["full"] - data["idle"]) * data["load"] ** exponent[0])


def fit_one(law: Callable[..., np.ndarray], start: float, data: dict[str, np.ndarray], value: np.ndarray,
            use: np.ndarray) -> np.ndarray:  # fmt: skip
    """Fit the exponent of a law on the rows of the mask."""
    part = {name: array[use] for name, array in data.items()}
    found = least_squares(lambda x: np.log(law(x, part) / value[use]), [start], bounds=(0.1, 5), loss="soft_l1",
                          f_scale=0.1)  # fmt: skip
    return np.asarray(found.x)


def left_out(
    law: Callable[..., np.ndarray], start: float, data: dict[str, np.ndarray], value: np.ndarray
) -> np.ndarray:
    """Errors of every row with the exponent fitted on the other groups."""
    errors = np.zeros(len(value))
    for group in np.unique(data["group"]):
        mine = data["group"] == group
        exponent = fit_one(law, start, data, value, ~mine)
        errors[mine] = law(exponent, {name: array[mine] for name, array in data.items()}) / value[mine] - 1
    return errors


def runs(constants: dict[str, float]) -> tuple[np.ndarray, float]:
    """Errors of system power a device of published training runs, from their achieved share of peak; and the TPU scale.

    TPUs draw a share of what GPUs do for their board power: fitted on the others when one is judged.
    """
    registry = Advisor().registry
    host = 1 + energy_figures()["host_share"].value
    rows = table("energy_runs.csv")
    share = {row["model"]: float(row["value"]) for row in rows if row["metric"] == "achieved_share"}
    activity, idle, board, measured, is_tpu = [], [], [], [], []
    for row in rows:
        if row["metric"] != "system_power_w_per_device":
            continue
        device = registry.devices[row["device"]]
        busy = min(share[row["model"]] / LONG_PRODUCT, 1.0)
        activity.append(constants["arithmetic"] * busy + constants["waiting"] * (1 - busy))
        idle.append(device.idle_power_w or IDLE_SHARE * device.board_power_w)
        board.append(device.board_power_w)
        measured.append(float(row["value"]))
        is_tpu.append(device.kind == "tpu")
    act, low, high, watts, tpu = (np.array(column) for column in (activity, idle, board, measured, is_tpu))
    scales = (watts / host - low) / (high - low) / act
    errors = np.zeros(len(watts))
    for place in range(len(watts)):
        others = tpu & (np.arange(len(watts)) != place)
        scale = float(np.median(scales[others])) if tpu[place] else 1.0
        errors[place] = (low[place] + (high[place] - low[place]) * scale * act[place]) * host / watts[place] - 1
    return errors, float(np.median(scales[tpu]))


#: Published runs whose models the catalog has; their batches are not known, so the advisor's own choice stands in.
KNOWN = {"BERT fine-tuning": "google-bert/bert-base-uncased", "BERT pre-training": "google-bert/bert-base-uncased",
         "6B transformer": "EleutherAI/gpt-j-6b", "ViT base": "google/vit-base-patch16-224",
         "ViT large": "google/vit-large-patch16-224"}  # fmt: skip


def trained() -> dict[str, tuple[float, float]]:
    """Measured and predicted watts of one GPU over whole training runs, by run."""
    advisor = Advisor()
    rows = table("energy_runs.csv")
    answer = {}
    for name, model in KNOWN.items():
        mine = {row["metric"]: row for row in rows if row["model"] == name}
        measured = 1e6 * float(mine["energy_mwh"]["value"]) / float(mine["device_hours"]["value"])
        count = int(mine["energy_mwh"]["device_count"])
        ranking = advisor.estimate(model, f"{min(count, 8)}x{mine['energy_mwh']['device']}", task="train",
                                   without_techniques=("fp8",))  # fmt: skip
        found = next(iter(ranking.everything()))
        answer[name] = (measured, found.column("power") / found.device_count)
    return answer


def summary(errors: np.ndarray) -> dict[str, float]:
    """Rows, median and mean absolute error and bias, percent."""
    found = {"median": np.median(np.abs(errors)), "mean": np.mean(np.abs(errors)), "bias": np.mean(errors)}
    return {"rows": len(errors), **{name: round(100 * float(value), 1) for name, value in found.items()}}


def judge() -> tuple[dict[str, Any], dict[str, float]]:
    """The record, and the constants fitted on everything."""
    shares, watts, names = servers()
    half = np.array([zlib.crc32(name.encode()) % 2 == 0 for name in names])
    record: dict[str, Any] = {}
    halves = np.zeros(len(watts))
    for use in (half, ~half):
        halves[~use] = draw(fit_servers(shares[use], watts[use]), shares[~use]) / watts[~use] - 1
    record["server power, models of the other half"] = summary(halves)
    record["server power, models of the half not fitted (fit on the first)"] = summary(halves[~half])
    out = np.zeros(len(watts))
    by_model = {}
    for name in np.unique(names):
        mine = names == name
        out[mine] = draw(fit_servers(shares[~mine], watts[~mine]), shares[mine]) / watts[mine] - 1
        by_model[str(name)] = summary(out[mine])
    record["server power, each model left out"] = summary(out)
    record["by model left out"] = by_model
    constants = dict(zip(NAMES, (round(float(value), 3) for value in fit_servers(shares, watts)), strict=True))
    fitted = draw(np.array([constants[name] for name in NAMES]), shares)
    record["server power, fitted on all"] = summary(fitted / watts - 1)
    data, slower = limits()
    record["time under a power limit, each network left out"] = summary(left_out(slowdown, 2.0, data, slower))
    constants["clock_exponent"] = round(float(fit_one(slowdown, 2.0, data, slower, np.ones(len(slower), bool))[0]), 2)
    load, drawn = processors()
    record["processor power by load, each machine left out"] = summary(left_out(by_load, 1.0, load, drawn))
    record["processor power by load, linear"] = summary(by_load(np.array([1.0]), load) / drawn - 1)
    return record, constants


def write(constants: dict[str, float]) -> None:
    """Put the constants into ``power.toml``."""
    text = CONSTANTS.read_text("utf-8")
    for name, value in constants.items():
        text = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value:g}", text)
    CONSTANTS.write_text(text, "utf-8")


if __name__ == "__main__":
    found, fitted = judge()
    errors, scale = runs(fitted)
    fitted["scale_tpu"] = round(scale, 2)
    found["published runs, system power a device; TPUs' scale fitted on the other TPU runs"] = summary(errors)
    if "--dry" not in sys.argv:
        write(fitted)
    pairs = trained()
    found["published training runs of known models, GPU power (not fitted)"] = summary(
        np.array([predicted / measured - 1 for measured, predicted in pairs.values()]))
    found["by run: measured and predicted W"] = {name: [round(watts) for watts in pair] for name, pair in pairs.items()}
    found["constants"] = fitted
    RECORD.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(page(found), "utf-8")
    for title, entry in found.items():
        print(f"{title:70s} {entry}")
