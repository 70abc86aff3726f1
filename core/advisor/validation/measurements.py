"""Measurements in a CSV file as candidate tables: rows that share a model and a kind of job go together."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.devices import Device, System
from advisor.errors import AdvisorError, InputError, UnknownNameError
from advisor.estimating import by_backend, fits, memory
from advisor.expand import make_schema, start_rows
from advisor.formats import CODES, format_code, format_named, is_format
from advisor.hardware import system_of
from advisor.interfaces import ModelSource, Technique
from advisor.models import Model
from advisor.names import normalise
from advisor.reading import read_model, read_source
from advisor.registry import Registry
from advisor.validation.predictions import METRICS
from advisor.workload import make_workload

SHAPE_COLUMNS = ("params_b", "active_params_b", "layers", "hidden_size", "heads", "kv_heads", "intermediate_size",
                 "vocab", "experts", "experts_per_token")  # fmt: skip
SHARED_COLUMNS = ("model", "task", "method", "lora_rank", "lora_targets", "optimizer", *SHAPE_COLUMNS)
SHARD_STAGES = {"": 0, "none": 0, "ddp": 0, "zero1": 1, "zero2": 2, "zero3": 3, "fsdp": 3}
#: Words of the ``offload`` column by what is kept in host memory.
OFFLOADED = {
    "optimizer_offload": ("optim",), "weight_offload": ("weight", "param"), "activation_offload": ("activation",),
}  # fmt: skip
RECOMPUTE = {"": 0, "none": 0, "selective": 1, "full": 2}
#: Metrics whose blank concurrency means as much as fits, up to a serving engine's usual limit.
SATURATED = ("output_tokens_per_s", "total_tokens_per_s", "requests_per_s", "energy_j_per_token", "power_w")
MOST_IN_FLIGHT = 1024
Row = Mapping[str, str]


@dataclass(frozen=True)
class Group:
    """Measurements of one model and kind of job: their table, rows, and positions in the file."""

    context: Context
    table: Candidates
    rows: list[dict[str, str]]
    positions: list[int]


def read_groups(registry: Registry, path: Path) -> tuple[list[dict[str, str]], list[Group], dict[int, str]]:
    """Read a file; return its rows, the groups that can be predicted, and reasons for rows that cannot."""
    rows = _read_csv(path)
    members: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(rows):
        members.setdefault(tuple(row.get(name, "") for name in SHARED_COLUMNS), []).append(index)
    groups: list[Group] = []
    refused: dict[int, str] = {}
    for positions in members.values():
        try:
            group = _group(registry, path, rows, positions, refused)
        except (AdvisorError, ValueError) as error:
            refused.update(dict.fromkeys(positions, str(error)))
            continue
        if group is not None:
            groups.append(group)
    return rows, groups, refused


def _read_csv(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restval="")
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]
            names = reader.fieldnames or []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    for needed in ("model", "metric"):
        if needed not in names and not (needed == "model" and "params_b" in names):
            raise InputError(f"{path}: column {needed!r} is missing; accepted columns are in docs/measurements.md")
    return rows


def _group(
    registry: Registry, path: Path, rows: list[dict[str, str]], positions: list[int], refused: dict[int, str]
) -> Group | None:
    """Put rows of one model and kind of job into a table; rows without known hardware are refused."""
    first = rows[positions[0]]
    model = _model(registry, path, first)
    fields: dict[str, Any] = {"task": first.get("task") or "serve", "allow_unrated": True}
    fields |= {name: first[name] for name in ("method", "optimizer") if first.get(name)}
    if first.get("lora_rank"):
        fields["settings"] = {"lora_rank": _number(first, "lora_rank")}
    if first.get("lora_targets", "").lower() == "all":
        fields["settings"] = {**fields.get("settings", {}), "lora_all": 1.0}
    workload = make_workload(fields, str(path))
    devices: dict[str, Device] = {}
    systems: dict[str, System] = {}
    placed: list[int] = []
    chosen: list[str] = []
    nodes: list[int] = []
    for position in positions:
        try:
            device, system, count = _hardware(registry, rows[position])
            _quantization(registry, rows[position])
        except (AdvisorError, ValueError) as error:
            refused[position] = str(error)
            continue
        devices[device.id] = device
        systems[system.id] = system
        placed.append(position)
        chosen.append(system.id)
        nodes.append(count)
    if not placed:
        return None
    context = Context(model, workload, list(devices.values()), list(systems.values()), [])
    schema = make_schema(registry.techniques, [c for backend in registry.backends.values() for c in backend.columns])
    order = {name: index for index, name in enumerate(systems)}
    table = start_rows(context, schema, np.array([order[name] for name in chosen]), np.array(nodes))
    members = [rows[position] for position in placed]
    _fill(table, members, context)
    _quantize(table, members, context, registry)
    _adapt(table, context, registry)
    if workload.trains:
        _recompute_where_unsaid(table, members, context, registry)
    return Group(context, table, members, placed)


def _hardware(registry: Registry, row: Row) -> tuple[Device, System, int]:
    metric = row.get("metric", "")
    if metric not in METRICS:
        raise InputError(f"metric {metric!r} is not one of {', '.join(METRICS)}")
    if not row.get("device") and METRICS[metric].needs_device:
        raise InputError("no device given")
    device = registry.devices[row["device"]] if row.get("device") else next(iter(registry.devices))
    count = _number(row, "device_count")
    nodes = _number(row, "nodes")
    system, systems = system_of(
        registry,
        device,
        1 if math.isnan(count) else max(1, int(count)),
        None if math.isnan(nodes) else max(1, int(nodes)),
    )
    return device, system, systems


def _model(registry: Registry, path: Path, row: Row) -> Model:
    name = row.get("model", "")
    shape = {column: float(row[column]) for column in SHAPE_COLUMNS if row.get(column)}
    beside = path.parent / name if name else path
    if name and beside.exists():
        return read_model(registry, beside)
    if name and (registry.models.find(name) is not None or not shape):
        return read_model(registry, name)
    return read_source(registry, ModelSource(name or "shape", options=shape))


def _burst_share(in_flight: Array, requests: Array, median: Array) -> Array:
    """Share of the others' prefills that a request of a run waits for on average, as all in flight start at once.

    The first ones wait for half of them; a median of a run of several rounds does not see those. -1 where the number
    of requests is not known.
    """
    first_round = np.minimum(in_flight / requests, 1.0)
    share = np.where(median & (first_round < 0.5), 0.0, 0.5 * first_round)
    return np.where(np.isfinite(requests), share, -1.0)


def _number(row: Row, name: str) -> float:
    text = row.get(name, "")
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name}: expected a number, not {text!r}") from None


def _fill(table: Candidates, rows: list[dict[str, str]], context: Context) -> None:
    """Set the columns from the measurements; blank cells keep the defaults."""

    def column(name: str, default: Any) -> Any:
        values = np.array([_number(row, name) for row in rows])
        return np.where(np.isnan(values), default, values)

    training = context.workload.trains
    count = table["device_count"].astype(float)
    pipeline, contexts = column("pp", 1), column("cp", 1)
    tensor = column("tp", np.ones(len(rows)) if training or context.model.unit != "token" else count / pipeline)
    tensor = np.minimum(tensor, count)
    table["tensor_parallel"] = tensor.astype(np.int32)
    table["pipeline_parallel"] = pipeline.astype(np.int32)
    table["context_parallel"] = contexts.astype(np.int32)
    table["data_parallel"] = np.maximum(1, count // (tensor * pipeline * contexts)).astype(np.int32)
    table["expert_parallel"] = column("ep", 1).astype(np.int32)
    table["virtual_stages"] = column("vp", 1).astype(np.int32)
    for name in ("input_tokens", "output_tokens"):
        table[name] = column(name, table[name])
    if context.model.unit == "token":
        table["sequence_length"] = column("seq_len", table["sequence_length"])
    replicas = table["data_parallel"].astype(float)
    saturated = np.array([row.get("metric") in SATURATED and not row.get("concurrency") and not row.get("batch")
                          for row in rows]) & context.model.generates  # fmt: skip
    in_flight = column("concurrency", column("batch", np.where(saturated, MOST_IN_FLIGHT * replicas, replicas)))
    table["batch"] = np.maximum(in_flight / replicas, 1e-3 if training else np.minimum(in_flight, 1.0))
    names = [row.get("framework", "") for row in rows]
    context.frameworks = list(dict.fromkeys(names))
    table["framework"] = np.array([context.frameworks.index(name) for name in names], "i2")
    alone = np.array([bool(row.get("batch")) for row in rows]) & (context.workload.task in ("serve", "batch"))
    table["static"] = alone & context.model.generates
    table["steady"] = saturated  # a benchmark at a fixed concurrency starts all its requests at once
    requests, alike = column("requests", np.nan), [row.get("statistic", "").lower() == "median" for row in rows]
    if np.isfinite(requests).any():
        table["burst_share"] = _burst_share(in_flight, requests, np.array(alike))
    if training:
        micro = column("micro_batch", column("batch", 1))
        table["micro_batch"] = micro
        table["global_batch"] = np.maximum(column("global_batch", micro * replicas), 1)
        table["shard_stage"] = np.array([SHARD_STAGES.get(row.get("sharding", "").lower(), 0) for row in rows], "i1")
        for name, words in OFFLOADED.items():
            said = [any(word in row.get("offload", "").lower() for word in words) for row in rows]
            table[name] = np.array(said, "f8")
        table["recompute"] = np.array([RECOMPUTE.get(row.get("recompute", "").lower(), 0) for row in rows], "i1")
    _fill_formats(table, rows, context)


def _fill_formats(table: Candidates, rows: list[dict[str, str]], context: Context) -> None:
    stored = format_named(context.model.weight_format).name
    requantized, weight, bits = table["requantized"].copy(), table["weight_format"].copy(), table["weight_bits"].copy()
    compute, cache, cache_bits = (
        table["compute_format"].copy(),
        table["cache_format"].copy(),
        table["cache_bits"].copy(),
    )
    for place, row in enumerate(rows):
        if row.get("weights_dtype") and is_format(row["weights_dtype"]):
            entry = format_named(row["weights_dtype"])
            if entry.name != stored:
                requantized[place], weight[place], bits[place] = True, format_code(entry.name), entry.bits
            compute[place] = format_code(entry.arithmetic or entry.name)
        if row.get("activations_dtype"):
            compute[place] = format_code(row["activations_dtype"])
        calibrated = requantized[place] and format_named(row.get("activations_dtype") or stored).bits <= 8
        if calibrated and not row.get("kv_dtype"):  # checkpoints calibrated for 8 bits come with scales for the cache
            cache[place], cache_bits[place] = format_code("fp8"), 8.0
        if row.get("kv_dtype"):
            cache[place], cache_bits[place] = format_code(row["kv_dtype"]), format_named(row["kv_dtype"]).bits
    table["requantized"], table["weight_format"], table["weight_bits"] = requantized, weight, bits
    table["compute_format"], table["cache_format"], table["cache_bits"] = compute, cache, cache_bits


def _quantization(registry: Registry, row: Row) -> Technique | None:
    """The technique that ``weights_dtype`` names where it is no number format (``q4_k_m``); raises for neither."""
    name = row.get("weights_dtype", "")
    if not name or is_format(name):
        return None
    found = [t for t in registry.techniques if normalise(name) in map(normalise, (t.name, *t.aliases))]
    if not found:
        raise UnknownNameError("weights_dtype", name, [*CODES, *(t.name for t in registry.techniques)])
    return found[0]


def _quantize(table: Candidates, rows: list[dict[str, str]], context: Context, registry: Registry) -> None:
    """Let the techniques that ``weights_dtype`` names rewrite the columns of their rows."""
    used = [_quantization(registry, row) for row in rows]
    for technique in {technique.name: technique for technique in used if technique is not None}.values():
        members = np.array([place for place, other in enumerate(used) if other is technique])
        part = table.take(members)
        technique.apply(part, "", context)
        table.scatter(members, part, part.names)


def _recompute_where_unsaid(
    table: Candidates, rows: list[dict[str, str]], context: Context, registry: Registry
) -> None:
    """Where a row says nothing of recomputation, take the least with which the job, which ran, fits."""
    unsaid = np.array([not row.get("recompute") and row.get("metric") != "fits" for row in rows])
    level = table["recompute"].copy()
    for more in (1, 2):
        for backend, places in by_backend(table, context, registry.backends):
            part = table.take(places)
            part["recompute"] = level[places]
            if unsaid[places].any() and memory(backend, part, context, registry.owner(backend)):
                level[places] = np.where(unsaid[places] & ~fits(part, context), more, level[places])
    table["recompute"] = level


def _adapt(table: Candidates, context: Context, registry: Registry) -> None:
    """Let the technique that the method names rewrite the columns."""
    method = context.workload.method
    if method == "full":
        return
    for technique in registry.techniques:
        if technique.name == method:
            technique.apply(table, technique.settings(context)[0], context)
            return
    raise InputError(f"method {method!r} is not a technique that a plugin provides")
