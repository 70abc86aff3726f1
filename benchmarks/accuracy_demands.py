"""The table of demands on inference estimates (issue 6) with what the records say was reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accuracy_tables import DENSE, percent, short, table
from noise_floor import KINDS, noise_floor

Record = Mapping[str, Any]
LEAST_ROWS = 20  # of a model or device that is judged by itself


def _medians(entries: Record) -> dict[str, float]:
    return {name: entry["tpot"]["median"] for name, entry in entries.items() if entry["tpot"]["rows"] >= LEAST_ROWS}


def _weighted(entries: Record) -> float:
    chosen = [entry["tpot"] for entry in entries.values()]
    return float(sum(entry["median"] * entry["rows"] for entry in chosen) / sum(entry["rows"] for entry in chosen))


def _listed(medians: Mapping[str, float]) -> str:
    return ", ".join(f"{short(name).split('/')[-1]} {value:g} %" for name, value in medians.items())


def _row(measure: str, demand: str, reached: str, met: bool | None) -> list[object]:
    return [measure, demand, reached, "–" if met is None else "yes" if met else "no"]


def _servers(accuracy: Record) -> list[list[object]]:
    stored, out = accuracy["stored"], accuracy["left_out"]
    tpot, ttft = stored["all"]["tpot"], stored["all"]["ttft"]
    single = _medians(stored["model"]) | _medians(stored["device"])
    worst = max(single, key=lambda name: single[name])
    rows = [
        _row("TPOT on H100, H200, B200, fitted", "median 8 %, mean 15 %",
             f"median {tpot['median']} %, mean {tpot['mean']} %", tpot["median"] <= 8 and tpot["mean"] <= 15),
        _row(f"no model or device with {LEAST_ROWS} rows or more above, fitted", "median 20 %",
             f"worst: {short(worst)} {single[worst]} %", single[worst] <= 20),
        _row("TTFT at the same points, fitted", "median 15 %, mean 30 %",
             f"median {ttft['median']} %, mean {ttft['mean']} %", ttft["median"] <= 15 and ttft["mean"] <= 30),
    ]  # fmt: skip
    for kind in ("model", "device"):
        pooled = out.get("pooled", {}).get(kind)
        for metric, median, mean in (("tpot", 8, 15), ("ttft", 15, 30)):
            if pooled:
                found = pooled[metric]
                rows.append(_row(f"{metric.upper()} with each {kind} left out in turn",
                                 f"median {median} %, mean {mean} %",
                                 f"median {found['median']} %, mean {found['mean']} %",
                                 found["median"] <= median and found["mean"] <= mean))  # fmt: skip
    device = _medians(out["device"])
    rows.append(_row("a whole device left out, TPOT", "median 15 %", _listed(device), max(device.values()) <= 15))
    for kind in ("dense", "mixture"):
        chosen = {name: entry for name, entry in out["model"].items() if (DENSE in name) == (kind == "dense")}
        medians = _medians(chosen)
        reached = f"{_listed(medians)}; weighted by rows {_weighted(chosen):.1f} %"
        rows.append(_row(f"a whole {kind} model left out, TPOT", "median 12 %", reached, max(medians.values()) <= 12))
    return rows


def _others(predictions: Record, families: Record) -> list[list[object]]:
    rows = []
    for name, entry in predictions["classes"].items():
        if name not in ("NVIDIA data-centre GPUs, other files", "Intel GPUs"):
            median = entry["median_absolute_percentage_error"]
            reached = f"median {median:.1f} %, {entry['rows']} rows, {entry['devices']} devices"
            rows.append(_row(f"other devices: {name} (stored constants)", "median 20 %", reached, median <= 20))
    fitted = {name: entry["not_fitted"] for name, entry in families.items()}
    if fitted:
        rows.append(_row("the same, models not fitted, by family", "median 20 %", _listed(fitted),
                         max(fitted.values()) <= 20))  # fmt: skip
    timm = predictions["files"]["vision_timm"]["by_device"]
    cards = {name: round(entry["median_absolute_percentage_error"], 1) for name, entry in timm.items()}
    gpus = {name: value for name, value in cards.items() if name.startswith("nvidia-")}
    total = predictions["files"]["vision_timm"]["total"]["median_absolute_percentage_error"]
    rest = {name: value for name, value in cards.items() if name not in gpus}
    rows.append(_row("CNN and ViT throughput, timm tables", "median 20 %",
                     f"all {total:.1f} %; {_listed(gpus)}; CPUs {_listed(rest)}", total <= 20))  # fmt: skip
    return rows


def _order_and_intervals(predictions: Record) -> list[list[object]]:
    nvidia = predictions["files"]["serve_nvidia"]
    tau = {metric: entry["kendall_tau"] for metric, entry in nvidia["by_metric"].items()}
    rows = [_row("order (Kendall's tau within a model and task)", "0.9",
                 f"TPOT {tau['tpot_ms']:.2f}, TTFT {tau['ttft_ms']:.2f}; other files "
                 f"{predictions['serving']['total']['kendall_tau']:.2f}", min(tau.values()) >= 0.9)]  # fmt: skip
    inside = predictions["nvidia_devices"]["tpot_ms"]
    whole = nvidia["total"]["inside_interval"]
    rows.append(_row("rows inside the 80 % interval, H100, H200, B200", "75 to 85 %, by device 65 to 95 %",
                     f"TPOT and TTFT {percent(whole)}; TPOT " + ", ".join(
                         f"{short(name)} {percent(share)}" for name, share in inside.items()),
                     0.75 <= whole <= 0.85 and all(0.65 <= share <= 0.95 for share in inside.values())))  # fmt: skip
    other = predictions["serving"]
    shares = [entry["inside_interval"] for entry in other["by_device"].values() if entry["rows"] >= LEAST_ROWS]
    good = sum(0.65 <= share <= 0.95 for share in shares)
    rows.append(_row("the same, all other devices", "75 to 85 %, by device 65 to 95 %",
                     f"{percent(other['total']['inside_interval'])}; {good} of {len(shares)} devices with "
                     f"{LEAST_ROWS} rows or more within 65 to 95 %", good == len(shares)))  # fmt: skip
    return rows


def _answered(predictions: Record) -> list[list[object]]:
    files = {name: entry for name, entry in predictions["files"].items() if not name.startswith("train_")}
    refused = sum(entry["total"]["refused"] for entry in files.values())
    total = sum(entry["total"]["rows"] for entry in files.values())
    said = {key: sum(entry["fits"][key] for entry in files.values())
            for key in ("ran", "ran_right", "out_of_memory", "out_of_memory_right")}  # fmt: skip
    share = (said["ran_right"] + said["out_of_memory_right"]) / max(1, said["ran"] + said["out_of_memory"])
    return [
        _row("refused", "none that a user could run", f"{refused} of {total} rows", refused == 0),
        _row("fits or out of memory", "97 % right", f"{100 * share:.1f} %: of {said['ran']} that ran "
             f"{said['ran_right']}, of {said['out_of_memory']} that ran out of memory {said['out_of_memory_right']}",
             share >= 0.97),
    ]  # fmt: skip


def _local(local: Record) -> list[list[object]]:
    if "errors" not in local:
        return []
    before, after = (local["errors"][when]["median"] for when in ("before", "after"))
    return [_row("this machine after `advisor measure`", "median 15 %", f"{after} % ({before} % before)", after <= 15)]


def demands(accuracy: Record, predictions: Record, families: Record, local: Record) -> str:
    """The table, and under it how far the errors are above the noise floor."""
    rows = [*_servers(accuracy), *_others(predictions, families), *_order_and_intervals(predictions),
            *_answered(predictions), *_local(local)]  # fmt: skip
    floor = noise_floor()
    lines = [table(["measure", "demand, at most", "reached", "met"], rows), ""]
    for metric, name in (("tpot_ms", "TPOT"), ("ttft_ms", "TTFT")):
        again, other = floor[KINDS[0], metric], floor[KINDS[2], metric]
        error = accuracy["stored"]["all"][name.lower()]
        lines.append(f"{name}: the error of {error['median']} % median and {error['mean']} % mean stands beside "
                     f"{again['median']} % and {again['mean']} % by which a repeat with the same framework and version "
                     f"differs, and {other['median']} % and {other['mean']} % with another framework.")  # fmt: skip
    return "\n".join(lines)
