"""Predictions beside measurements: a CSV file in the measurement schema, row by row."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.devices import Device, System
from advisor.errors import AdvisorError, InputError
from advisor.estimating import by_backend, estimate, memory
from advisor.expand import make_schema, start_rows
from advisor.formats import format_code, format_named
from advisor.hardware import system_of
from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor.reading import read_model, read_source
from advisor.registry import Registry
from advisor.validation.predictions import METRICS, predict
from advisor.validation.summary import summarize
from advisor.workload import make_workload

VALIDATE_SCHEMA = {"name": "advisor.validate", "version": 1}
SHAPE_COLUMNS = ("params_b", "active_params_b", "layers", "hidden_size", "heads", "kv_heads", "intermediate_size",
                 "vocab", "experts", "experts_per_token")  # fmt: skip
SHARD_STAGES = {"": 0, "none": 0, "ddp": 0, "zero1": 1, "zero2": 2, "zero3": 3, "fsdp": 3}
RECOMPUTE = {"": 0, "none": 0, "selective": 1, "full": 2}
Row = Mapping[str, str]


@dataclass(frozen=True)
class Validation:
    """Rows with ``predicted, low, high, error_percent, reason`` beside their own columns, and summaries."""

    rows: list[dict[str, Any]]
    summary: dict[str, Any]
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"schema": VALIDATE_SCHEMA, **self.summary, "rows": self.rows, "warnings": self.warnings}


def validate(registry: Registry, path: Path, progress: Callable[[int, int], None] | None = None) -> Validation:
    """Predict every row of a CSV file; a row that cannot be predicted says why and stops nothing."""
    rows = _read_csv(path)
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(rows):
        key = tuple(row.get(name, "") for name in ("model", "task", "method", "lora_rank", "optimizer", *SHAPE_COLUMNS))
        groups.setdefault(key, []).append(index)
    answers: list[dict[str, Any]] = [{} for _ in rows]
    warnings: list[str] = []
    done = 0
    for members in groups.values():
        _validate_group(registry, path, [rows[i] for i in members], [answers[i] for i in members], warnings)
        done += len(members)
        if progress is not None:
            progress(done, len(rows))
    out = [{**row, **answer} for row, answer in zip(rows, answers, strict=True)]
    return Validation(out, summarize(out), list(dict.fromkeys([*registry.plugins.warnings, *warnings])))


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


def _refuse(answer: dict[str, Any], reason: str) -> None:
    answer.update(predicted=None, low=None, high=None, error_percent=None, reason=reason)


def _validate_group(
    registry: Registry, path: Path, rows: list[dict[str, str]], answers: list[dict[str, Any]], warnings: list[str]
) -> None:
    """Predict rows that share a model and a kind of job in one table."""
    try:
        model = _model(registry, path, rows[0])
        fields: dict[str, Any] = {"task": rows[0].get("task") or "serve"}
        if rows[0].get("method"):
            fields["method"] = rows[0]["method"]
        if rows[0].get("optimizer"):
            fields["optimizer"] = rows[0]["optimizer"]
        if rows[0].get("lora_rank"):
            fields["settings"] = {"lora_rank": float(rows[0]["lora_rank"])}
        workload = make_workload(fields, str(path))
    except (AdvisorError, ValueError) as error:
        for answer in answers:
            _refuse(answer, str(error))
        return
    placed: list[int] = []
    devices: list[Device] = []
    systems: list[System] = []
    index: list[int] = []
    nodes: list[int] = []
    for position, row in enumerate(rows):
        if row.get("metric") not in METRICS:
            _refuse(answers[position], f"metric {row.get('metric')!r} is not one of {', '.join(METRICS)}")
            continue
        try:
            if not row.get("device") and METRICS[row["metric"]].needs_device:
                raise InputError("no device given")
            device = registry.devices[row["device"]] if row.get("device") else next(iter(registry.devices))
            node_count = int(float(row["nodes"])) if row.get("nodes") else None
            system, count = system_of(registry, device, int(float(row.get("device_count") or 1)), node_count)
        except (AdvisorError, ValueError) as error:
            _refuse(answers[position], str(error))
            continue
        if device not in devices:
            devices.append(device)
        if system not in systems:
            systems.append(system)
        placed.append(position)
        index.append(systems.index(system))
        nodes.append(count)
    if not placed:
        return
    context = Context(model, workload, devices, systems, [])
    schema = make_schema(registry.techniques, [c for backend in registry.backends.values() for c in backend.columns])
    table = start_rows(context, schema, np.array(index), np.array(nodes))
    chosen = [rows[position] for position in placed]
    try:
        _fill(table, chosen, context)
        _adapt(table, context, registry)
    except (AdvisorError, ValueError) as error:
        for position in placed:
            _refuse(answers[position], str(error))
        return
    for backend, positions in by_backend(table, context, registry.backends):
        part = table.take(positions)
        owner = registry.owner(backend)
        good = memory(backend, part, context, owner) and estimate(backend, part, context, owner)
        for place, position in enumerate(positions):
            answer = answers[placed[position]]
            if good:
                answer.update(predict(chosen[position], part, place, context))
            else:
                _refuse(answer, f"backend {backend.name} failed")
    for position in placed:
        if "reason" not in answers[position]:
            _refuse(answers[position], "no backend estimates the device")
    warnings += context.warnings


def _model(registry: Registry, path: Path, row: Row) -> Model:
    name = row.get("model", "")
    shape = {column: float(row[column]) for column in SHAPE_COLUMNS if row.get(column)}
    beside = path.parent / name if name else path
    if name and beside.exists():
        return read_model(registry, beside)
    if name and (registry.models.find(name) is not None or not shape):
        return read_model(registry, name)
    return read_source(registry, ModelSource(name or "shape", options=shape))


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
    in_flight = column("concurrency", column("batch", replicas))
    table["batch"] = np.maximum(in_flight / replicas, 1e-3 if training else np.minimum(in_flight, 1.0))
    names = [row.get("framework", "") for row in rows]
    context.frameworks = list(dict.fromkeys(names))
    table["framework"] = np.array([context.frameworks.index(name) for name in names], "i2")
    table["steady"] = False  # a benchmark at a fixed concurrency starts all its requests at once
    if training:
        micro = column("micro_batch", column("batch", 1))
        table["micro_batch"] = micro
        table["global_batch"] = np.maximum(column("global_batch", micro * replicas), 1)
        table["shard_stage"] = np.array([SHARD_STAGES.get(row.get("sharding", "").lower(), 0) for row in rows], "i1")
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
        if row.get("weights_dtype"):
            entry = format_named(row["weights_dtype"])
            if entry.name != stored:
                requantized[place], weight[place], bits[place] = True, format_code(entry.name), entry.bits
            compute[place] = format_code(entry.arithmetic or entry.name)
        if row.get("activations_dtype"):
            compute[place] = format_code(row["activations_dtype"])
        if row.get("kv_dtype"):
            cache[place], cache_bits[place] = format_code(row["kv_dtype"]), format_named(row["kv_dtype"]).bits
    table["requantized"], table["weight_format"], table["weight_bits"] = requantized, weight, bits
    table["compute_format"], table["cache_format"], table["cache_bits"] = compute, cache, cache_bits


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
