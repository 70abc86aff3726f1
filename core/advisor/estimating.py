"""Calling backends on the rows of their devices: memory first, then what fits is estimated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.columns import ESTIMATES, MEMORY_PARTS, TIME_PARTS
from advisor.context import Context
from advisor.interfaces import Backend
from advisor.plugins import guarded
from advisor.soundness import NOT_OF_BACKENDS, check_from_zero, check_interval, check_kept, protected

#: Share of a device's memory that a runtime can use before allocations fail.
USABLE_MEMORY = 0.95


def needed_estimates(context: Context) -> list[str]:
    """Names of the interval estimates that a backend owes for this task."""
    names = ["memory", "step_time", "samples_per_s", "power"]
    if not context.workload.trains:
        names.append("request_latency")
        if context.model.generates:
            names += ["time_to_first_token", "time_per_output_token"]
    return names


def by_backend(rows: Candidates, context: Context, backends: dict[str, Backend]) -> Iterator[tuple[Backend, Array]]:
    """Yield each backend with the positions of its rows; warns of devices that no backend estimates."""
    names = [device.backend_name for device in context.device_list]
    kinds = {name: code for code, name in enumerate(dict.fromkeys(names))}
    codes = np.array([kinds[name] for name in names], dtype=np.int32)
    row_codes = codes[rows["device"]] if len(rows) else np.zeros(0, dtype=np.int32)
    for name, code in kinds.items():
        positions = np.flatnonzero(row_codes == code)
        if not len(positions):
            continue
        if name not in backends:
            context.warn(f"no backend {name!r}: its devices were left out")
            context.note(f"no backend {name!r} for the device", len(positions))
            continue
        yield backends[name], positions


def memory(backend: Backend, rows: Candidates, context: Context, owner: str) -> bool:
    """Let a backend fill the memory columns of ``rows``; False if it failed."""

    def call() -> bool:
        given = protected(rows, NOT_OF_BACKENDS)
        backend.memory(rows, context)
        check_kept(rows, given, NOT_OF_BACKENDS)
        check_interval(rows, "memory", strictly=True)
        check_from_zero(rows, [column.name for column in MEMORY_PARTS], strictly=False)
        return True

    return guarded(owner, f"backend {backend.name!r}", context.warn, call, input_errors=False) or False


def estimate(backend: Backend, rows: Candidates, context: Context, owner: str) -> bool:
    """Let a backend fill the time and power columns of ``rows``; False if it failed."""

    def call() -> bool:
        given = protected(rows, NOT_OF_BACKENDS)
        backend.estimate(rows, context)
        check_kept(rows, given, NOT_OF_BACKENDS)
        for name in needed_estimates(context):
            check_interval(rows, name, strictly=name != "power")
        check_from_zero(rows, [*(column.name for column in TIME_PARTS), "flops_per_sample"], strictly=False)
        slow_down(rows)
        return True

    return guarded(owner, f"backend {backend.name!r}", context.warn, call, input_errors=False) or False


def slow_down(rows: Candidates) -> None:
    """Stretch every time by the column ``slowdown``, where a technique set it; the rest counts as host work."""
    if "slowdown" not in rows:
        return
    low, high = rows["slowdown_low"], rows["slowdown_high"]
    rows["time_host"] = rows["time_host"] + rows["step_time"] * (rows["slowdown"] - 1)
    for name in ("step_time", "request_latency", "time_to_first_token", "time_per_output_token"):
        if name in rows:
            ends = rows[f"{name}.low"] * low, rows[f"{name}.high"] * high
            rows.set_interval(name, rows[name] * rows["slowdown"], *ends)
    rate = rows["samples_per_s"] / rows["slowdown"]
    rows.set_interval("samples_per_s", rate, rows["samples_per_s.low"] / high, rows["samples_per_s.high"] / low)


def fits(rows: Candidates, context: Context) -> Array:
    """Whether each row's memory fits its device, and what it keeps in its host's memory fits there, where known."""
    fit = np.asarray(rows["memory"] <= USABLE_MEMORY * context.devices.memory_bytes[rows["device"]])
    if "memory_host" not in rows:
        return fit
    systems, index = context.systems, rows["system"]
    share = np.nan_to_num(systems.host_memory_bytes[index], nan=np.inf) / systems.device_count[index]
    return np.asarray(fit & (rows["memory_host"] <= USABLE_MEMORY * share))


def scale_out(rows: Candidates, context: Context) -> None:
    """Turn figures of one unit into those of the candidate: units for the traffic, run time for the job.

    Serving under a rate has its units already (``traffic.carry``); batch work with a deadline takes as many
    as meet it.
    """
    workload = context.workload
    capacity = rows["samples_per_s"]
    units = np.ones(len(rows))
    load = np.ones(len(rows))
    total = workload.samples_total(context.tokens_per_sample)
    if workload.task == "serve" and workload.request_rate is not None:
        units, load = rows["units"], rows["load"]
    elif workload.task == "batch" and workload.finish_in is not None and total is not None:
        units = np.maximum(1, np.ceil(total / (workload.finish_in * capacity) - 1e-9))
    rows["units"] = units
    rows["load"] = np.minimum(load, 1.0)
    idle = context.devices.idle_power[rows["device"]]
    idle = np.where(np.isnan(idle), 0.15 * context.devices.board_power[rows["device"]], idle) * rows["device_count"]
    for end in ("", ".low", ".high"):
        busy = rows[f"power{end}"]
        rows[f"power{end}"] = units * (rows["load"] * busy + (1 - rows["load"]) * np.minimum(idle, busy))
        rows[f"samples_per_s{end}"] = units * rows[f"samples_per_s{end}"]
    if total is not None:
        work = total / rows["goodput"]
        rows.set_interval("run_time", work / rows["samples_per_s"], work / rows["samples_per_s.high"],
                          work / rows["samples_per_s.low"])  # fmt: skip


INTERVALS = [column.name for column in ESTIMATES if column.interval]
