"""Candidates as commands that launch them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Exporter

advisor_hook_version = 1


@hookimpl
def exporters() -> Iterable[Exporter]:
    """Return the exporters."""
    from advisor_exporters.llama_cpp import LlamaCpp
    from advisor_exporters.torchtitan import Torchtitan
    from advisor_exporters.vllm import Vllm

    return [Vllm(), Torchtitan(), LlamaCpp()]
