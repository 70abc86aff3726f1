"""A line that says what takes so long: on a terminal, after half a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

AFTER_S = 0.5


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show ``what`` on standard error while the block runs, if someone looks and it takes long.

    Yields a function to call with how much is done, of how much.
    """
    if not sys.stderr.isatty():
        yield lambda done, whole: None
        return
    shown: list[Any] = []
    lock = threading.Lock()
    over = False

    def start() -> None:
        from rich.console import Console

        with lock:
            if not over:
                status = Console(stderr=True).status(what)
                status.start()
                shown.append(status)

    def update(done: int, whole: int) -> None:
        for status in shown:
            status.update(f"{what}: {done:,} of {whole:,}")

    timer = threading.Timer(AFTER_S, start)
    timer.daemon = True
    timer.start()
    try:
        yield update
    finally:
        timer.cancel()
        with lock:
            over = True
            for status in shown:
                status.stop()
