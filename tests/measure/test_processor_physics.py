"""What the estimates of processors must obey: more of anything is never slower, and threads cost time to wake."""

from __future__ import annotations

from typing import Any

import pytest

from advisor import Advisor
from advisor.devices import Device, Source
from advisor.models import Layer, Model
from advisor.operators import MatMul

SOURCE = {"made": Source(title="made up for this test", date="2026-01-01")}  # type: ignore[arg-type]


def processor(**changes: Any) -> Device:
    figures: dict[str, Any] = {
        "id": "made-cpu", "name": "made", "vendor": "made", "kind": "cpu", "family": "none", "memory_gib": 64,
        "memory_bandwidth_gb_per_s": 100, "peak_tflops": {"fp32": 2.0, "bf16": 4.0, "int8": 8.0}, "compute_units": 16,
        "clock_ghz": 3.0, "cache_mib": 32, "board_power_w": 100, "sources": SOURCE,
    }  # fmt: skip
    return Device(**{**figures, **changes})


def network(width: int) -> Model:
    products = tuple(MatMul(name=f"product_{number}", inputs=width, outputs=width) for number in range(12))
    layer = Layer(name="body", kind="dense", operators=products)
    return Model(name="made", family="made", layers=(layer,), unit="sample", weight_format="fp32", hidden_size=width)


def seconds(device: Device, width: int = 4096, batch: int = 8, framework: str = "onnxruntime") -> float:
    ranking = Advisor(devices=[device]).estimate(
        network(width), "made-cpu", task="batch", rows=1000, batch_size=batch, framework=framework,
    )  # fmt: skip
    plain = next(candidate for candidate in ranking.everything() if not candidate.recipe)
    return plain.estimates["step_time"].value


@pytest.mark.parametrize(
    "better",
    [
        {"memory_bandwidth_gb_per_s": 200},
        {"peak_tflops": {"fp32": 4.0, "bf16": 8.0, "int8": 16.0}},
        {"cache_mib": 64},
    ],
)
@pytest.mark.parametrize("batch", [1, 512])
def test_better_processor_is_never_slower(better: dict[str, Any], batch: int) -> None:
    assert seconds(processor(**better), batch=batch) <= seconds(processor(), batch=batch) * (1 + 1e-9)


def test_small_operators_do_not_gain_from_many_cores() -> None:
    few = processor(compute_units=4, peak_tflops={"fp32": 0.5})
    many = processor(compute_units=128, peak_tflops={"fp32": 16.0})
    assert seconds(many, width=64, batch=1) > seconds(few, width=64, batch=1)
    assert seconds(many, batch=4096) < seconds(few, batch=4096) / 10


def test_servers_hold_less_of_their_clock() -> None:
    assert seconds(processor(family="Ice Lake-SP"), batch=4096) > 1.3 * seconds(processor(), batch=4096)


def test_device_that_gives_its_own_constant_is_believed() -> None:
    slow = processor(extra={"efficiency.onnxruntime.matrix_efficiency": 0.1})
    assert seconds(slow, batch=4096) > 4 * seconds(processor(), batch=4096)


def test_framework_version_is_ignored() -> None:
    assert seconds(processor(), framework="openvino 2024.1") == seconds(processor(), framework="openvino")
    assert seconds(processor(), framework="timm/pytorch 2.4 compile") == seconds(processor(), framework="torch")
