"""What every candidate costs: rent, or purchase and electricity, by hour, token, request, run and month."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Scorer


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Return the cost scorer."""
    from advisor_cost.scorer import CostScorer

    return [CostScorer()]
