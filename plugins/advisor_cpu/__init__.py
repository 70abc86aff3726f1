"""Backend for CPUs: caches, memory channels, SIMD and matrix units."""

from __future__ import annotations

from advisor.hookspecs import hookimpl

advisor_hook_version = 1


@hookimpl
def backends() -> list[object]:
    """Return the CPU backend."""
    from advisor_cpu.backend import CpuBackend

    return [CpuBackend()]
