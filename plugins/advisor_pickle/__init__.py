"""Reads the table of tensors in torch's pickled checkpoints (``.pt``, ``.pth``, ``.bin``); nothing is unpickled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of pickled checkpoints."""
    from advisor_pickle.reader import PickleReader

    return [PickleReader()]
