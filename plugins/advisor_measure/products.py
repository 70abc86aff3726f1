"""Rates of matrix products by shape, with numpy's BLAS: decode's few rows, prefill's many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from advisor_measure.clock import least_seconds

#: Rows (tokens or samples at once) and weights (inputs, outputs): narrow and wide layers of small and large models.
ROWS = (1, 8, 32, 128, 512, 2048)
WEIGHTS = ((256, 256), (768, 768), (768, 3072), (2048, 2048), (4096, 4096))
#: A product of more FLOPs than this tells nothing that a smaller one does not.
MOST_FLOPS = 2.0e10


@dataclass(frozen=True)
class Product:
    """One measured product of ``rows x inputs`` by ``inputs x outputs``."""

    format: str
    rows: int
    inputs: int
    outputs: int
    seconds: float

    @property
    def flops_per_s(self) -> float:
        """FLOPs a second, 2 a multiply-add."""
        return 2.0 * self.rows * self.inputs * self.outputs / self.seconds


Multiply = Callable[[int, int, int], Callable[[], object]]


def numpy_multiply(rows: int, inputs: int, outputs: int) -> Callable[[], object]:
    """A single-precision product by numpy."""
    left = np.full((rows, inputs), 0.5, dtype=np.float32)
    weight = np.full((inputs, outputs), 0.5, dtype=np.float32)
    target = np.empty((rows, outputs), dtype=np.float32)
    return lambda: np.matmul(left, weight, out=target)


def measure_products(
    multiply: Multiply, format_name: str, budget_s: float,
    rows: tuple[int, ...] = ROWS, weights: tuple[tuple[int, int], ...] = WEIGHTS,
) -> list[Product]:  # fmt: skip
    """Time every shape that is not needlessly large."""
    shapes = [(count, inputs, outputs) for inputs, outputs in weights for count in rows
              if 2.0 * count * inputs * outputs <= MOST_FLOPS]  # fmt: skip
    each = budget_s / max(len(shapes), 1)
    return [
        Product(format_name, count, inputs, outputs, least_seconds(multiply(count, inputs, outputs), each))
        for count, inputs, outputs in shapes
    ]


def measure_cold_weights(multiply: Multiply, cache_bytes: int, budget_s: float, inputs: int = 768,
                         outputs: int = 2048) -> float:  # fmt: skip
    """Bytes a second at which single-precision weights that no cache holds are read by products of one row.

    Decoding is such a pass over all weights of a model; libraries read them slower than memory could give them.
    """
    size = 4 * inputs * outputs
    count = max(8, min(64, int(3 * cache_bytes / size)))
    calls = [multiply(1, inputs, outputs) for _ in range(count)]

    def all_of_them() -> None:
        for call in calls:
            call()

    return count * size / least_seconds(all_of_them, budget_s)
