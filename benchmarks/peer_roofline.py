"""The plain roofline of a language model: the longer of arithmetic at peak rate and bytes at full bandwidth.

What a spreadsheet does, as a yardstick for estimators: no efficiency, no launch, no link, no framework, no
queue. Experts are read as far as a batch is expected to touch them.
"""

from __future__ import annotations

from collections.abc import Mapping

from advisor.devices import Device
from advisor.formats import format_named
from advisor.models import Model


def peak_flops(device: Device, activations: str) -> float:
    """Dense peak in FLOP/s of the format, or of the narrowest wider one that the device runs."""
    for name in dict.fromkeys((activations, "fp8", "bf16")):
        if name in device.peak_tflops and format_named(name).bits >= format_named(activations).bits:
            return device.peak_tflops[name] * 1e12
    return max(device.peak_tflops.values()) * 1e12


def weight_bytes(model: Model, weights: str, sequences: float) -> float:
    """Bytes of weights that a step over ``sequences`` tokens reads."""
    total = 0.0
    for op, copies in model.operators():
        if op.parameters:
            touched = 1 - (1 - op.active_parameters / op.parameters) ** sequences
            bits = format_named(weights if op.quantizable else model.wide_format).bits
            total += copies * op.parameters * touched * bits / 8
    return total


def roofline(model: Model, device: Device, row: Mapping[str, str]) -> tuple[float, float]:
    """Milliseconds to the first token of a prompt that is alone, and of each decode step of the whole batch."""
    count, batch = int(row["tp"]) * int(row["pp"]), float(row["concurrency"]) / int(row["dp"])
    prompt, context = int(row["input_tokens"]), int(row["input_tokens"]) + int(row["output_tokens"]) / 2
    rate = peak_flops(device, row["activations_dtype"] or row["weights_dtype"]) * count
    bandwidth = device.memory_bandwidth_gb_per_s * 1e9 * count
    prefill = sum(copies * op.flops(1 if op.last_unit_only else prompt, prompt) for op, copies in model.operators())
    decode = sum(copies * op.flops(batch, context) for op, copies in model.operators())
    cache = batch * model.cache_elements(context) * format_named(row["kv_dtype"] or model.cache_format).bits / 8
    first = max(prefill / rate, weight_bytes(model, row["weights_dtype"], prompt) / bandwidth)
    further = max(decode / rate, (weight_bytes(model, row["weights_dtype"], batch) + cache) / bandwidth)
    return first * 1e3, further * 1e3
