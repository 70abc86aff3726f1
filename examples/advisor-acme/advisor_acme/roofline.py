"""The backend: a small roofline of its own, over all candidates at once.

A pass over the model takes the larger of its arithmetic and its memory traffic (Williams, Waterman and
Patterson, "Roofline", CACM 52(4), 2009), then what links and launches add. The shares of the peaks that
are reached are invented, like the device. A plugin whose device is much like a GPU would rather subclass
``advisor_roofline.RooflineBackend`` and describe the device alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor import Backend, Candidates, Context
from advisor_acme.lattice import UNPACKING

COMPUTE_SHARE, BANDWIDTH_SHARE, LAUNCH_SECONDS, OVERHEAD_BYTES = 0.55, 0.75, 15e-6, 0.8e9
SPREAD = 1.35  # the 80 % interval: this factor either way


class AcmeBackend(Backend):
    """Roadrunner cards. Every method sets whole columns; a row never looks at another."""

    name = "acme"
    doc = "roofline of the (fictional) Roadrunner family"
    columns = (UNPACKING,)

    def memory(self, rows: Candidates, context: Context) -> None:
        """Bytes on one device, by part."""
        model, replicas, stage = context.model, rows["data_parallel"], rows["shard_stage"]
        devices = rows["tensor_parallel"] * rows["pipeline_parallel"]
        own, added = model.parameters / devices, rows["adapter_parameters"] / devices
        weights = weight_bytes(rows, context) / devices + 2.0 * added
        if context.workload.trains:
            trained = own * rows["trainable_share"] + added
            saved = sum(copies * op.saved_elements for op, copies in model.operators())
            rows["memory_weights"] = weights / np.where(stage >= 3, replicas, 1)
            rows["memory_gradients"] = trained * rows["gradient_bytes"] / np.where(stage >= 2, replicas, 1)
            rows["memory_optimizer"] = trained * rows["optimizer_bytes"] / np.where(stage >= 1, replicas, 1)
            kept = np.where(rows["recompute"] >= 2, model.hidden_size * model.blocks, saved)
            rows["memory_activations"] = 2.0 * rows["micro_batch"] * rows["sequence_length"] * kept / devices
        else:
            length = rows["input_tokens"] + rows["output_tokens"]
            cache = model.cache_elements(length) * rows["cache_bits"] / 8 if model.generates else 0.0
            rows["memory_weights"] = weights
            rows["memory_cache"] = rows["batch"] * cache / devices
            rows["memory_activations"] = 4.0 * rows["batch"] * max(model.hidden_size, model.sample_elements)
        rows["memory_overhead"] = OVERHEAD_BYTES
        parts = ("weights", "cache", "activations", "gradients", "optimizer", "overhead")
        total = sum(rows[f"memory_{part}"] for part in parts)
        rows.set_interval("memory", total, total * 0.95, total * 1.1)

    def estimate(self, rows: Candidates, context: Context) -> None:
        """Seconds, rates and watts of one unit."""
        batch, replicas, stages = rows["batch"], rows["data_parallel"], rows["pipeline_parallel"]
        if context.workload.trains:
            passes = (rows["global_batch"] / replicas / rows["micro_batch"] + stages - 1) / stages
            units = rows["micro_batch"] * rows["sequence_length"]
            one = step_parts(rows, context, units, rows["sequence_length"], work=2.0 + rows["trainable_share"])
            step = {part: seconds * passes for part, seconds in one.items()}
            step["link"] = step["link"] + gradient_exchange(rows, context)
            spread(rows, "samples_per_s", rows["global_batch"] / sum(step.values()))
        elif context.model.generates:
            prompt, output = rows["input_tokens"], rows["output_tokens"]
            step = step_parts(rows, context, batch, prompt + output / 2)
            prefill = sum(step_parts(rows, context, prompt, prompt / 2).values())
            each = sum(step.values()) + (batch - 1) * prefill / output  # other requests' prompts come between
            spread(rows, "time_to_first_token", prefill)
            spread(rows, "time_per_output_token", each)
            spread(rows, "request_latency", prefill + (output - 1) * each)
            spread(rows, "samples_per_s", replicas * batch / (prefill + output * each))
        else:
            length = rows["sequence_length"]
            step = step_parts(rows, context, batch * length, length)
            spread(rows, "request_latency", sum(step.values()))
            spread(rows, "samples_per_s", replicas * batch * stages / sum(step.values()))
        total = sum(step.values())
        for part, seconds in step.items():
            rows[f"time_{part}"] = seconds
        spread(rows, "step_time", total)
        rows["flops_per_sample"] = float(context.model.forward_flops(int(context.tokens_per_sample)))
        board = context.devices.board_power[rows["device"]]
        watts = board * (0.3 + 0.7 * (step["compute"] + step["memory"]) / total) * rows["device_count"]
        rows.set_interval("power", watts, watts * 0.8, watts * 1.2)


def weight_bytes(rows: Candidates, context: Context) -> Any:
    """Bytes of all weights as the candidate stores them."""
    model = context.model
    quantizable = sum(copies * op.parameters for op, copies in model.operators(None) if op.quantizable)
    stored = quantizable * rows["weight_bits"] / 8 * rows["parameter_share"]
    return np.where(rows["requantized"], stored + 2.0 * (model.parameters - quantizable), model.weight_bytes)


def step_parts(rows: Candidates, context: Context, units: Any, length: Any, work: Any = 1.0) -> dict[str, Any]:
    """Parts of one pass of ``units`` tokens or samples, each of which attends to ``length`` others.

    ``work`` is the matrix work over that of a forward pass. A mixture of experts reads what its units touch.
    """
    model, devices = context.model, context.devices
    tensor = rows["tensor_parallel"]
    flops = sum(copies * op.flops(units, length) for op, copies in model.operators()) * rows["flops_share"]
    rate = context.peak_flops(rows) * rows["matrix_speedup"] * COMPUTE_SHARE * tensor
    touched = 1 - (1 - model.active_parameters / model.parameters) ** units
    bandwidth = devices.memory_bandwidth[rows["device"]] * BANDWIDTH_SHARE * tensor
    compute = work * flops / rate
    traffic = work * (weight_bytes(rows, context) * touched + rows["memory_cache"] * tensor) / bandwidth
    traffic = traffic * rows[UNPACKING.name]
    sent = ring(2.0 * units * model.hidden_size, tensor, rows, context)
    return {
        "compute": compute,
        "memory": np.maximum(traffic - compute, 0.0),
        "link": work * 2.0 * model.blocks * sent,
        "launch": np.full(len(rows), LAUNCH_SECONDS * sum(layer.count for layer in model.layers)),
    }


def gradient_exchange(rows: Candidates, context: Context) -> Any:
    """Seconds to add up the replicas' gradients once a step."""
    trained = context.model.parameters * rows["trainable_share"] + rows["adapter_parameters"]
    sent = trained * rows["gradient_bytes"] / rows["tensor_parallel"] / rows["pipeline_parallel"]
    return ring(sent, rows["data_parallel"], rows, context)


def ring(size: Any, devices: Any, rows: Candidates, context: Context) -> Any:
    """Seconds of a ring all-reduce of ``size`` bytes: 2 (n - 1) / n of them through each link, 0 on one device."""
    bandwidth = np.nan_to_num(context.systems.link_bandwidth, nan=16e9)[rows["system"]]  # without a link: PCIe 3.0 x16
    return 2.0 * size * (devices - 1) / devices / bandwidth


def spread(rows: Candidates, name: str, value: Any) -> None:
    """Set an estimate with its interval."""
    rows.set_interval(name, value, value / SPREAD, value * SPREAD)
