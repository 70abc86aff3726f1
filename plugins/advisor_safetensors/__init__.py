"""Reads the headers of safetensors files: exact parameters and bytes, joined with ``config.json`` beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of safetensors files, indexes and folders."""
    from advisor_safetensors.reader import SafetensorsReader

    return [SafetensorsReader()]
