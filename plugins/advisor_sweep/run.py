"""Running a sweep: chunks to an executor, parts to the disk, the parts to one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError, InputError
from advisor_sweep.grid import Grid
from advisor_sweep.output import check_output, count_rows, is_folder, write_output
from advisor_sweep.parts import Parts
from advisor_sweep.work import encoded_chunk

#: Chunks under way for each worker: one at work, and one that it need not wait for.
AHEAD = 2
#: Combinations of one chunk where the caller does not say: about a second of work.
CHUNK = 16
#: How often a pool whose worker died is made anew without a part being finished in between.
MOST_RESTARTS = 3

MakeExecutor = Callable[[], Executor]
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to: its combinations, those found done, and the rows of the file."""

    output: Path
    points: int
    resumed: int
    rows: int


def run_sweep(
    grid: Grid, output: Path, executor: MakeExecutor | None = None, workers: int = 1, chunk: int = CHUNK,
    without: Sequence[str] = (), force: bool = False, report: Report = lambda done, points: None,
) -> SweepResult:  # fmt: skip
    """Rank every combination and write ``output``: a .parquet or .csv file, or a folder of Parquet files.

    ``executor`` makes a ``concurrent.futures`` executor of ``workers``; without one the work is done
    here. A sweep that was stopped, however, goes on where it was. Raises ``InputError`` for what the
    caller can mend.
    """
    check_output(output)
    folder = is_folder(output)
    if not folder and output.exists() and not force:
        raise InputError(f"{output}: exists already; --force overwrites it")
    place = output if folder else output.with_name(f"{output.name}.parts")
    parts = Parts(place, grid, ".parquet" if folder else ".json", force)
    with closing(parts):
        points = len(grid)
        resumed = sum(stop - start for start, stop in parts.done())
        report(resumed, points)
        finished = resumed
        for start, stop, contents in _ranked(grid, parts, executor, workers, chunk, without):
            parts.write(start, stop, contents)
            finished += stop - start
            report(finished, points)
        if folder:
            rows = count_rows(parts)
        else:
            rows = write_output(output, parts, [axis.name for axis in grid.axes])
            parts.remove()
    return SweepResult(output, points, resumed, rows)


def _ranked(
    grid: Grid, parts: Parts, executor: MakeExecutor | None, workers: int, chunk: int, without: Sequence[str]
) -> Iterator[tuple[int, int, bytes]]:
    """Chunks as they are done. A pool that breaks because a worker died is made anew for what is missing."""
    document = grid.to_dict()
    if executor is None:
        for start, stop in parts.missing(len(grid), chunk):
            yield start, stop, encoded_chunk(document, start, stop, without, parts.suffix)
        return
    failures = 0
    while True:
        try:
            with executor() as pool:
                chunks = parts.missing(len(grid), chunk)
                for item in _through(pool, chunks, document, workers, (list(without), parts.suffix)):
                    yield item
                    failures = 0
            return
        except BrokenProcessPool:
            failures += 1
            if failures > MOST_RESTARTS:
                raise AdvisorError(f"workers died {failures} times in a row: memory for {workers}?") from None


def _through(
    pool: Executor, chunks: Iterator[tuple[int, int]], document: dict[str, Any], workers: int, more: Sequence[Any]
) -> Iterator[tuple[int, int, bytes]]:
    """Keep a few chunks a worker under way, so that memory does not grow with the grid."""
    waiting: dict[Future[bytes], tuple[int, int]] = {}
    try:
        while True:
            while len(waiting) < AHEAD * workers and (span := next(chunks, None)) is not None:
                waiting[pool.submit(encoded_chunk, document, *span, *more)] = span
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda item: waiting[item]):
                span = waiting.pop(future)
                yield *span, future.result()
    finally:
        for future in waiting:
            future.cancel()


def processes(workers: int) -> MakeExecutor:
    """A pool of processes that share nothing with this one."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return lambda: ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_with_parent)


def _leave_with_parent() -> None:
    """End a worker when the process that started it ends, also where that was killed."""
    import threading
    from multiprocessing import parent_process

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
