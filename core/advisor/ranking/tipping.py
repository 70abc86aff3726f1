"""What would change the winner: the nearest weight, price and amount of traffic at which other hardware comes first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Ranking


class Tipping(NamedTuple):
    """A change of one thing, all else equal, at which other hardware comes first.

    ``kind`` is ``weight``, ``price`` or ``traffic``, ``name`` the aspect, the offer's id or the
    workload field. ``at`` is the amount beyond which it happens, above or below ``now``.
    ``candidate`` is what is then first; None where nothing is feasible any more.
    """

    kind: str
    name: str
    now: float
    at: float
    unit: str
    candidate: Candidate | None

    @property
    def change(self) -> float:
        """How far away it is: the absolute logarithm of the ratio."""
        return abs(math.log(self.at / self.now)) if self.at > 0 and self.now > 0 else math.inf

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        then = self.candidate
        return {
            "kind": self.kind, "name": self.name, "now": float(f"{self.now:.6g}"), "at": float(f"{self.at:.6g}"),
            "unit": self.unit,
            "side": "above" if self.at >= self.now else "below",
            "candidate": None if then is None else {
                "device": then.device.id, "device_count": then.device_count, "recipe": then.recipe,
                "offer": None if then.offer is None else then.offer.id,
            },
        }  # fmt: skip


def tippings(ranking: Ranking, ask_again: bool = True) -> list[Tipping]:
    """Everything that is known, the nearest change first; traffic takes rankings of its own (``ask_again``)."""
    from advisor.ranking.prices import price_tippings
    from advisor.ranking.traffic import traffic_tippings
    from advisor.ranking.weights import weight_tippings

    if len(ranking) < 2:
        return []
    traffic = traffic_tippings(ranking) if ask_again else []
    return sorted([*weight_tippings(ranking), *price_tippings(ranking), *traffic], key=lambda found: found.change)
