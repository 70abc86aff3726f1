"""Backend for GPUs: tensor cores, launch overhead, and links between cards."""

from __future__ import annotations

from advisor.hookspecs import hookimpl

advisor_hook_version = 1


@hookimpl
def backends() -> list[object]:
    """Return the GPU backend."""
    from advisor_gpu.backend import GpuBackend

    return [GpuBackend()]
