"""Measuring a GPU where PyTorch finds one: memory bandwidth, matrix products by format, launch of a kernel."""

from __future__ import annotations

import datetime
import importlib.util
import time
from collections.abc import Callable
from typing import Any

from advisor.devices import Device, Source
from advisor_measure.constants import matrix_efficiency, peak_rates
from advisor_measure.products import Multiply, Product, measure_products

ROWS = (1, 8, 32, 128, 512, 2048, 8192)
WEIGHTS = ((4096, 4096), (8192, 8192))
#: Bytes of the copied array, beyond any cache.
COPIED_BYTES = 1 << 30


def measure_graphics(budget_s: float) -> list[Device]:
    """The first GPU as the device ``local-gpu``; none where there is none, or PyTorch is not installed for it."""
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    if not torch.cuda.is_available():
        return []
    facts = torch.cuda.get_device_properties(0)
    bandwidth = _bandwidth(torch, facts.total_memory)
    names = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
    products: list[Product] = []
    with torch.inference_mode():
        for name, dtype in names.items():
            timed = _multiply(torch, dtype)
            products += measure_products(timed, name, budget_s / 4, ROWS, WEIGHTS)
    peaks = peak_rates(products)
    launch_s = _launch(torch)
    efficiency = matrix_efficiency([p for p in products if p.format == "bf16"], peaks["bf16"]) or 0.8
    return [
        Device(
            id="local-gpu", name=f"this machine's {facts.name}", vendor="nvidia" if torch.version.cuda else "amd",
            kind="gpu", family="measured", memory_gib=facts.total_memory / 2**30,
            memory_bandwidth_gb_per_s=bandwidth / 1e9,
            peak_tflops={name: rate / 1e12 for name, rate in peaks.items()}, compute_units=facts.multi_processor_count,
            cache_mib=(getattr(facts, "L2_cache_size", 0) or 4 << 20) / 2**20, board_power_w=300.0,
            extra={"efficiency.matrix_efficiency": efficiency, "efficiency.bandwidth_efficiency": 1.0,
                   "efficiency.kernel_us": launch_s * 1e6},
            estimated={"board_power_w": "300 W, a usual card; not measured",
                       "peak_tflops": "best rate of a matrix product that was measured"},
            sources={"measured": Source(title=f"measured on this machine by `advisor measure` (torch "
                                              f"{torch.__version__})", date=datetime.date.today())},
        )
    ]  # fmt: skip


def _timed(torch: Any, call: Callable[[], object], repeats: int = 20) -> float:
    """Seconds of one call, of several queued one after the other."""
    call()
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(repeats):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - begun) / repeats


def _bandwidth(torch: Any, memory: int) -> float:
    """Bytes read and written a second by a copy."""
    size = min(COPIED_BYTES, memory // 8)
    source = torch.ones(size // 4, device="cuda")
    target = torch.empty_like(source)
    return 2.0 * size / min(_timed(torch, lambda: target.copy_(source)) for _ in range(3))


def _launch(torch: Any) -> float:
    small = torch.ones(16, device="cuda")
    return min(_timed(torch, lambda: small.add_(1), 1000) for _ in range(3))


def _multiply(torch: Any, dtype: Any) -> Multiply:
    def multiply(rows: int, inputs: int, outputs: int) -> Callable[[], object]:
        left = torch.randn(rows, inputs, device="cuda", dtype=dtype)
        weight = torch.randn(outputs, inputs, device="cuda", dtype=dtype)

        def call() -> None:
            torch.nn.functional.linear(left, weight)
            torch.cuda.synchronize()

        return call

    return multiply
