"""Memory and cache bandwidth: STREAM's triad (McCalpin 1995) and a read alone, on all cores at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from advisor.candidates import Array
from advisor_measure.clock import least_seconds

Call = Callable[[], object]
Run = Callable[[list[Call]], None]

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


def _traffic(run: Run, cores: int, size: int, budget_s: float) -> Traffic:
    """``size`` bytes in all, over the three arrays of each core."""
    each = max(CHUNK, size // 12 // cores)
    shares = [tuple(np.ones(each, dtype=np.float32) for _ in range(3)) for _ in range(cores)]
    whole = 12 * each * cores
    passes = max(1, (32 << 20) // whole)  # small arrays several times, so that waking the threads costs little
    triads: list[Call] = [partial(_triad, share, passes) for share in shares]
    reads: list[Call] = [partial(_read, share, passes) for share in shares]
    triad = least_seconds(lambda: run(triads), budget_s / 2)
    read = least_seconds(lambda: run(reads), budget_s / 2)
    return Traffic(whole, passes * whole / triad, passes * whole / read)


def _triad(arrays: tuple[Array, ...], passes: int) -> None:
    """An addition of two arrays into a third: the traffic of a triad, which numpy cannot do in one pass."""
    target, first, second = arrays
    for _ in range(passes):
        np.add(first, second, out=target)


def _read(arrays: tuple[Array, ...], passes: int) -> None:
    for _ in range(passes):
        for array in arrays:
            array.max()


def _one_by_one(calls: list[Call]) -> None:
    for call in calls:
        call()


@contextmanager
def workers(count: int) -> Iterator[Run]:
    """Threads that run calls side by side, each starting when all are ready."""
    if count == 1:
        yield _one_by_one
        return
    with ThreadPoolExecutor(count) as pool:
        barrier = threading.Barrier(count)

        def start(call: Call) -> None:
            barrier.wait(timeout=60)
            call()

        def run(calls: list[Call]) -> None:
            for future in [pool.submit(start, call) for call in calls]:
                future.result()

        yield run
