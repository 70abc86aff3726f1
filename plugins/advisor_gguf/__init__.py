"""Reads the headers of GGUF files: exact bytes by tensor type, the architecture from tensors and metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of GGUF files."""
    from advisor_gguf.reader import GGUFReader

    return [GGUFReader()]
