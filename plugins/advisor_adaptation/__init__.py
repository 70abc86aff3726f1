"""Ways to fine-tune a part of a model beside those of advisor_compression: VeRA, prompt and prefix tuning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Technique

advisor_hook_version = 1


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return the methods, each used where ``--method`` names it."""
    from advisor_adaptation.methods import methods

    return methods()
