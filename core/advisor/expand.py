"""From a question to the first rows of the table: hardware, with the model as its file has it."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates, Schema
from advisor.columns import Column
from advisor.context import Context
from advisor.formats import CODES, arithmetic_code, format_named
from advisor.interfaces import Technique
from advisor.models import Model
from advisor.optimizers import optimizer_bytes


def make_schema(techniques: list[Technique], more: list[Column]) -> Schema:
    """Core's columns, a choice column a slot, and what plugins declare."""
    slots = dict.fromkeys(technique.slot for technique in techniques)
    choice = [Column(f"choice.{slot}", "", "i2", f"technique of slot {slot}") for slot in slots]
    return Schema([*choice, *(column for technique in techniques for column in technique.columns), *more])


def start_rows(context: Context, schema: Schema, systems: np.ndarray, nodes: np.ndarray) -> Candidates:
    """Rows for systems (positions) and node counts, with the model as its file has it."""
    model, workload = context.model, context.workload
    rows = Candidates(len(systems), schema)
    columns = context.systems
    rows["system"] = systems.astype(np.int32)
    rows["nodes"] = nodes.astype(np.int32)
    rows["device"] = columns.device[systems]
    rows["device_count"] = (columns.device_count[systems] * nodes).astype(np.int32)
    rows["data_parallel"] = rows["device_count"]
    rows["input_tokens"] = float(workload.input_tokens)
    rows["output_tokens"] = float(workload.output_tokens)
    rows["sequence_length"] = float(workload.sequence_length(model.max_context) if model.unit == "token" else 1)
    set_stored_formats(rows, context)
    if context.known_frameworks:
        rows["frameworks"] = context.legality.start()[rows["device"]]
    return rows


def set_stored_formats(rows: Candidates, context: Context) -> None:
    """Set the format columns to what the model file has, and the training state to the optimizer's."""
    model = context.model
    stored = [(copies * op.parameters, format_named(model.format_of(op)).bits)
              for op, copies in model.operators(None) if op.quantizable]  # fmt: skip
    total = sum(count for count, _ in stored)
    wide = format_named(model.weight_format).bits
    rows["weight_bits"] = sum(count * bits for count, bits in stored) / total if total else wide
    rows["weight_format"] = np.int8(CODES[format_named(model.weight_format).name])
    rows["compute_format"] = np.int8(arithmetic_code(model.weight_format))
    rows["cache_format"] = np.int8(CODES[format_named(model.cache_format).name])
    rows["cache_bits"] = float(format_named(model.cache_format).bits)
    rows["quality.low"] = 1.0
    rows["quality.high"] = 1.0
    if context.workload.trains:
        full_precision = wide >= 32  # fp32 weights are their own master copy
        rows["optimizer_bytes"] = optimizer_bytes(context.workload.optimizer, full_precision, _matrix_share(model))
        rows["gradient_bytes"] = 4.0 if full_precision else 2.0


def _matrix_share(model: Model) -> float:
    """Share of the parameters that are quantizable matrices: those within the blocks."""
    inside = sum(copies * op.parameters for op, copies in model.operators(None) if op.quantizable)
    return inside / model.parameters if model.parameters else 1.0


def hardware_rows(context: Context, schema: Schema) -> Candidates:
    """One row a system and power-of-two node count that the job could use."""
    columns = context.systems
    workload = context.workload
    one = context.model.weight_bytes * (9.0 if workload.trains and workload.method == "full" else 1.0) * 1.2
    need = np.ceil(one / (columns.device_count * context.devices.memory_bytes[columns.device]))
    most = np.minimum(np.maximum(need * (16 if workload.trains else 2), 1), columns.max_nodes)
    if workload.finish_in is not None and workload.trains:
        most = columns.max_nodes.astype(float)
    if workload.max_devices is not None:
        most = np.minimum(most, workload.max_devices // columns.device_count)
    systems, nodes = [], []
    for exponent in range(15):
        allowed = np.flatnonzero(most >= 2**exponent)
        systems.append(allowed)
        nodes.append(np.full(len(allowed), 2**exponent))
    return start_rows(context, schema, np.concatenate(systems), np.concatenate(nodes))
