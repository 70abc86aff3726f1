"""Reads Hugging Face configurations: exact operators of the published architectures, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of ``config.json``."""
    from advisor_huggingface.reader import HuggingFaceReader

    return [HuggingFaceReader()]
