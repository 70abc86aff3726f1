"""Each metric of the measurement schema as it follows from the candidate table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.estimating import USABLE_MEMORY

Triple = tuple[float, float, float]
Reading = Callable[[Candidates, int, Context, Mapping[str, str]], Triple]


@dataclass(frozen=True)
class Metric:
    """How a metric is read from a row: value, low, high; and its unit."""

    unit: str
    read: Reading
    needs_device: bool = True


def _interval(name: str, factor: float = 1.0) -> Reading:
    def read(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> Triple:
        value, low, high = (float(rows[f"{name}{end}"][row]) * factor for end in ("", ".low", ".high"))
        return value, low, high

    return read


def _rate(per_sample: Callable[[Candidates, int, Context], float]) -> Reading:
    def read(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> Triple:
        factor = per_sample(rows, row, context)
        value, low, high = (float(rows[f"samples_per_s{end}"][row]) * factor for end in ("", ".low", ".high"))
        return value, low, high

    return read


def _exact(value: Callable[[Candidates, int, Context, Mapping[str, str]], float]) -> Reading:
    def read(rows: Candidates, row: int, context: Context, source: Mapping[str, str]) -> Triple:
        number = value(rows, row, context, source)
        return number, number, number

    return read


def _units(rows: Candidates, row: int, context: Context) -> float:
    return float(rows["sequence_length"][row]) if context.model.unit == "token" else 1.0


def _flops(rows: Candidates, row: int, context: Context, source: Mapping[str, str]) -> float:
    length = int(float(source.get("seq_len") or source.get("input_tokens") or 1))
    return float(context.model.forward_flops(length, int(float(source.get("batch") or 1))))


def _weight_bytes(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> float:
    model = context.model
    if not rows["requantized"][row]:
        return model.weight_bytes
    quantized = sum(copies * op.parameters for op, copies in model.operators(None) if op.quantizable)
    from advisor.formats import format_named

    rest = sum(copies * op.parameters * format_named(model.format_of(op)).bits / 8
               for op, copies in model.operators(None) if not op.quantizable)  # fmt: skip
    return rest + quantized * float(rows["weight_bits"][row]) / 8


def _prefill_rate(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> Triple:
    together = float(rows["batch"][row]) if rows["static"][row] else 1.0
    tokens = together * float(rows["input_tokens"][row] * rows["data_parallel"][row])
    value, low, high = (float(rows[f"time_to_first_token{end}"][row]) for end in ("", ".high", ".low"))
    return tokens / value, tokens / low, tokens / high


def _model_tflops(rows: Candidates, row: int, context: Context, source: Mapping[str, str]) -> Triple:
    """Model FLOPs (recomputation not counted) a device and second, forward and twice as much backward."""
    flops = 3.0 * context.model.forward_flops(int(_units(rows, row, context)), 1)
    factor = flops / float(rows["device_count"][row]) / 1e12
    value, low, high = (float(rows[f"samples_per_s{end}"][row]) * factor for end in ("", ".low", ".high"))
    return value, low, high


def _fits(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> float:
    have = context.devices.memory_bytes[rows["device"][row]] * USABLE_MEMORY
    return float(rows["memory"][row] <= have)


def _memory(rows: Candidates, row: int, context: Context, source: Mapping[str, str]) -> Triple:
    """As training frameworks report it: without the driver's context; what was allocated without fragmentation too."""
    outside = float(rows["memory_context"][row]) if context.workload.trains else 0.0
    if context.workload.trains and source.get("statistic", "").lower() == "allocated":
        outside += float(rows["memory_overhead"][row])
    value, low, high = (float(rows[f"memory{end}"][row]) - outside for end in ("", ".low", ".high"))
    return value * 1e-9, low * 1e-9, high * 1e-9


def _power(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> Triple:
    value, low, high = (float(rows[f"power{end}"][row]) for end in ("", ".low", ".high"))
    return value, low, high


def _energy_per_token(rows: Candidates, row: int, context: Context, _: Mapping[str, str]) -> Triple:
    tokens = float(rows["output_tokens"][row]) if context.model.generates and not context.workload.trains else (
        _units(rows, row, context))  # fmt: skip
    rate = float(rows["samples_per_s"][row]) * tokens
    value, low, high = (float(rows[f"power{end}"][row]) / rate for end in ("", ".low", ".high"))
    spread = float(rows["samples_per_s.high"][row] / rows["samples_per_s"][row])
    return value, low / math.sqrt(spread), high * math.sqrt(spread)


METRICS: dict[str, Metric] = {
    "params": Metric("", _exact(lambda rows, row, context, _: float(context.model.parameters)), False),
    "flops": Metric("FLOP", _exact(_flops), False),
    "weight_bytes": Metric("B", _exact(_weight_bytes), False),
    "kv_bytes_per_token": Metric("B", _exact(lambda rows, row, context, _: (
        context.model.cache_elements_per_token * float(rows["cache_bits"][row]) / 8)), False),
    "ttft_ms": Metric("ms", _interval("time_to_first_token", 1e3)),
    "tpot_ms": Metric("ms", _interval("time_per_output_token", 1e3)),
    "output_tokens_per_s": Metric("/s", _rate(lambda rows, row, context: float(rows["output_tokens"][row]))),
    "total_tokens_per_s": Metric("/s", _rate(
        lambda rows, row, context: float(rows["output_tokens"][row] + rows["input_tokens"][row]))),
    "prefill_tokens_per_s": Metric("/s", _prefill_rate),
    "requests_per_s": Metric("/s", _rate(lambda rows, row, context: 1.0)),
    "samples_per_s": Metric("/s", _rate(lambda rows, row, context: 1.0)),
    "step_time_s": Metric("s", _interval("step_time")),
    "train_tokens_per_s": Metric("/s", _rate(_units)),
    "model_tflops_per_device": Metric("TFLOP/s", _model_tflops),
    "memory_gb_per_device": Metric("GB", _memory),
    "fits": Metric("", _exact(_fits)),
    "power_w": Metric("W", _power),
    "energy_j_per_token": Metric("J", _energy_per_token),
    "time_to_train_h": Metric("h", _interval("run_time", 1 / 3600)),
}  # fmt: skip


def predict(source: Mapping[str, str], rows: Candidates, row: int, context: Context) -> dict[str, Any]:
    """Predict one measurement: ``predicted, low, high, error_percent, reason``."""
    refused = {"predicted": None, "low": None, "high": None, "error_percent": None}
    try:
        value, low, high = METRICS[source["metric"]].read(rows, row, context, source)
    except (KeyError, ValueError, ZeroDivisionError):
        return {**refused, "reason": f"{source['metric']} does not apply to this model and task"}
    if not all(math.isfinite(number) for number in (value, low, high)) or (value == 0 and source["metric"] != "fits"):
        return {**refused, "reason": f"{source['metric']} does not apply to this model and task"}
    error = None
    text = source.get("value") or (source.get("fits") if source["metric"] == "fits" else "") or ""
    try:
        measured = float({"true": "1", "yes": "1", "false": "0", "no": "0"}.get(text.lower(), text))
        if measured != 0:
            error = 100 * (value / measured - 1)
    except ValueError:
        pass
    return {"predicted": value, "low": low, "high": high, "error_percent": error, "reason": ""}
