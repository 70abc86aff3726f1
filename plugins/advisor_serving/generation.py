"""What techniques of serving have in common: they are for inference of models that generate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Refusals, Technique
from advisor_quantization.pins import pinned


class OfGeneration(Technique):
    """A technique of generation; ``tried`` are its settings where it is tried, by default only when named."""

    stage = "runtime"
    tried: Sequence[int | str] = ("",)

    def by_default(self, context: Context) -> bool:
        """Whether it makes sense unasked."""
        return False

    def settings(self, context: Context) -> Sequence[int | str]:
        """Its settings, for the inference of a model that generates, where it is named or makes sense unasked."""
        applies = context.model.generates and not context.workload.trains
        return self.tried if applies and (pinned(self, context) or self.by_default(context)) else ()

    def not_generation(self, rows: Candidates, context: Context) -> Refusals:
        """Refuse training, and models that answer at once."""
        other = context.workload.trains or not context.model.generates
        return [(np.full(len(rows), other), "it is for serving models that generate")]


def whole(name: str, setting: int | str, least: int, most: int, example: int) -> int:
    """The setting as a whole number within bounds, the example where none is given; or ``InputError``."""
    if setting == "":
        return example
    try:
        number = int(setting)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise InputError(f"technique {name}: expected a whole number from {least} to {most} such as "
                         f"{name}={example}, not {setting!r}")  # fmt: skip
    return number


def share_of(context: Context, name: str, default: float, most: float = 1.0) -> float:
    """A share that the user may set with ``--settings``, or ``InputError``."""
    share = context.workload.settings.get(name, default)
    if not 0 < share <= most:
        raise InputError(f"settings: {name}: expected a share above 0 and up to {most:g}, not {share:g}")
    return share
