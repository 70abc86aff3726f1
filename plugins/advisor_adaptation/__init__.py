"""Ways to fine-tune a part of a model beside LoRA: DoRA, VeRA, IA3, prompt and prefix tuning, frozen layers."""

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
    from advisor_adaptation.freezing import FrozenLayers
    from advisor_adaptation.methods import methods

    return [*methods(), FrozenLayers()]
