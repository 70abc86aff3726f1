"""Techniques of serving: prefix caching, speculation, phases apart, chunks, eviction, offload."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Technique

advisor_hook_version = 1


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return the techniques of serving."""
    from advisor_serving.eviction import CacheWindow
    from advisor_serving.offload import CpuOffload, DiskOffload
    from advisor_serving.prefill import ChunkedPrefill, Disaggregated, PrefixCaching
    from advisor_serving.speculation import DraftModel, Eagle, MultiTokenPrediction

    return [
        PrefixCaching(), ChunkedPrefill(), Disaggregated(), MultiTokenPrediction(), Eagle(), DraftModel(),
        CacheWindow(), CpuOffload(), DiskOffload(),
    ]  # fmt: skip
