"""Timing on a machine that others may be using: the least of many repeats, and how busy the others were.

Where the process may use one core alone, a call takes the processor time that it uses, whatever others take in
between; on several cores only the wall clock tells, and others lengthen it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Calls are timed in groups that last at least so long, so that reading the clock costs nothing beside them.
GROUP_SECONDS = 20e-6


def one_core() -> bool:
    """Whether the process may run on one core alone."""
    affinity = getattr(os, "sched_getaffinity", None)
    return (len(affinity(0)) if affinity else os.cpu_count()) == 1


def least_seconds(call: Callable[[], object], budget_s: float = 0.25, least_repeats: int = 3) -> float:
    """Shortest of as many repeats as the budget allows (McCalpin's STREAM reports the same), after one to warm up."""
    clock = time.process_time if one_core() else time.perf_counter
    started = time.perf_counter()
    call()
    begun = clock()
    call()
    shortest = clock() - begun
    group = max(1, min(1000, int(GROUP_SECONDS / max(shortest, 1e-9))))
    repeats = 0
    while repeats < least_repeats or time.perf_counter() - started < budget_s:
        begun = clock()
        for _ in range(group):
            call()
        shortest = min(shortest, (clock() - begun) / group)
        repeats += 1
        if time.perf_counter() - started > 8 * budget_s:
            break
    return max(shortest, 1e-9)


@dataclass
class Foreign:
    """Processor time that others took, from the kernel's counters (Linux; elsewhere always 0)."""

    started: float = 0.0
    busy: float = 0.0
    own: float = 0.0

    @classmethod
    def start(cls) -> Foreign:
        """Start counting."""
        return cls(time.perf_counter(), _busy_seconds(), _own_seconds())

    def processors(self) -> float:
        """Mean number of processors that others kept busy since the start."""
        wall = time.perf_counter() - self.started
        others = (_busy_seconds() - self.busy) - (_own_seconds() - self.own)
        return max(0.0, others / wall) if wall > 0.02 else 0.0


def _busy_seconds() -> float:
    """Processor seconds spent by all processes, time stolen by a hypervisor included (proc(5), /proc/stat)."""
    try:
        words = Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]
        user, nice, system, _, _, interrupts, soft, stolen = (int(word) for word in words)
        return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return _own_seconds()


def _own_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
