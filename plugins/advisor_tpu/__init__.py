"""Backend for TPUs: systolic arrays, compiled steps, and inter-chip interconnect."""

from __future__ import annotations

from advisor.hookspecs import hookimpl

advisor_hook_version = 1


@hookimpl
def backends() -> list[object]:
    """Return the TPU backend."""
    from advisor_tpu.backend import TpuBackend

    return [TpuBackend()]
