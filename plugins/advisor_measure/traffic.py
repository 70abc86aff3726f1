"""Memory and cache bandwidth: STREAM's triad (McCalpin 1995) and a read alone, on all cores at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from advisor_measure.clock import least_seconds

#: Values that one call works on: large enough that calling numpy costs little, small enough for a private cache.
CHUNK = 1 << 14


@dataclass(frozen=True)
class Traffic:
    """Bytes a second on all cores: ``triad`` counts the three arrays (two read, one written), ``read`` what is read."""

    size_bytes: int
    triad: float
    read: float


def measure_traffic(cores: int, cache_bytes: int, memory_bytes: int, budget_s: float) -> dict[str, Traffic]:
    """Bandwidth from memory and from the last-level cache; arrays of memory are four caches large (STREAM's rule)."""
    memory = min(max(4 * cache_bytes, 64 << 20), 1 << 30, memory_bytes // 8)
    cache = max(cache_bytes // 4, 256 << 10)
    with workers(cores) as run:
        return {
            "memory": _traffic(run, cores, memory, budget_s / 2),
            "cache": _traffic(run, cores, cache, budget_s / 2),
        }


def _traffic(run: Callable[[list[Callable[[], object]]], None], cores: int, size: int, budget_s: float) -> Traffic:
    """``size`` bytes in all, over the three arrays of each core."""
    each = max(CHUNK, size // 12 // cores)
    shares = [tuple(np.ones(each, dtype=np.float32) for _ in range(3)) for _ in range(cores)]
    whole = 12 * each * cores
    passes = max(1, (32 << 20) // whole)  # small arrays several times, so that waking the threads costs little
    triad = least_seconds(lambda: run([lambda share=share: _triad(*share, passes) for share in shares]), budget_s / 2)
    read = least_seconds(lambda: run([lambda share=share: _read(share, passes) for share in shares]), budget_s / 2)
    return Traffic(whole, passes * whole / triad, passes * whole / read)


def _triad(target: np.ndarray, first: np.ndarray, second: np.ndarray, passes: int) -> None:
    """An addition of two arrays into a third: the traffic of a triad, which numpy cannot do in one pass."""
    for _ in range(passes):
        np.add(first, second, out=target)


def _read(arrays: tuple[np.ndarray, ...], passes: int) -> None:
    for _ in range(passes):
        for array in arrays:
            array.max()


@contextmanager
def workers(count: int) -> Iterator[Callable[[list[Callable[[], object]]], None]]:
    """Threads that run calls side by side, each starting when all are ready."""
    if count == 1:
        yield lambda calls: [call() for call in calls] and None
        return
    with ThreadPoolExecutor(count) as pool:
        barrier = threading.Barrier(count)

        def start(call: Callable[[], object]) -> None:
            barrier.wait(timeout=60)
            call()

        def run(calls: list[Callable[[], object]]) -> None:
            for future in [pool.submit(start, call) for call in calls]:
                future.result()

        yield run
