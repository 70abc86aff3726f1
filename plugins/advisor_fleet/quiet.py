"""What HiGHS prints past Python kept from standard output, so that an application's output is its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

#: Lines that HiGHS writes with printf, whatever its options say.
_SOLVER = re.compile(rb"^Highs\w*::.*(\n|$)", re.MULTILINE)

_lock = threading.Lock()
_solving: list[tuple[int, Any]] = []  # of each solver at work; the first holds standard output and what went to it


@contextlib.contextmanager
def without_solver_output() -> Iterator[None]:
    """Leave out what HiGHS writes to standard output; what other threads write meanwhile comes when it is done."""
    with _lock:
        _solving.append((-1, None) if _solving else _begin())
    try:
        yield
    finally:
        with _lock:
            first = _solving[0]
            _solving.pop()
            if not _solving:
                _end(*first)


def _begin() -> tuple[int, Any]:
    _flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is no standard output
        return -1, None
    written = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
    os.dup2(written.fileno(), 1)
    return kept, written


def _end(kept: int, written: Any) -> None:
    if written is None:
        return
    _flush()
    os.dup2(kept, 1)
    os.close(kept)
    with written:
        written.seek(0)
        others = _SOLVER.sub(b"", written.read())
    while others:
        others = others[os.write(1, others):]  # fmt: skip


def _flush() -> None:
    """Write what Python and the C library hold back."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).fflush(None)
