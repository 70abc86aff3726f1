"""Models that exist only as a plan: a decoder made from the sizes that the user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of sizes."""
    from advisor_plan.reader import PlanReader

    return [PlanReader()]
