"""One candidate under other terms: the same system on demand, spot, reserved, or bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Scores
from advisor.offers import Offer
from advisor.ranking.result import Candidate
from advisor.records import replace
from advisor.registry import Registry
from advisor_cost.scorer import CostScorer


@dataclass(frozen=True)
class Priced:
    """A candidate's row under one offer: its context, its table of one row, and its scores in full."""

    offer: Offer
    context: Context
    rows: Candidates
    scores: Scores

    def value(self, objective: str) -> float:
        """The value of an objective."""
        return float(np.asarray(self.scores.values[objective][0])[0])

    def interval(self, objective: str) -> tuple[float, float, float]:
        """Value, low and high of an objective."""
        value, low, high = (float(np.asarray(end)[0]) for end in self.scores.values[objective])
        return value, low, high

    def parts(self, objective: str) -> dict[str, float]:
        """What each part adds to an objective, zeros left out."""
        found = {name: float(np.asarray(part)[0]) for name, part in self.scores.parts.get(objective, {}).items()}
        return {name: value for name, value in found.items() if value}


def priced(candidate: Candidate, offer: Offer) -> Priced:
    """Return the candidate's cost under an offer of the same system."""
    given = candidate.ranking.context
    context = replace(given, offer_list=(offer,), warnings=[], _kept={})
    rows = candidate.table.take(np.array([candidate.row]))
    rows["offer"] = 0
    return Priced(offer, context, rows, CostScorer().detail(rows, context))


def other_offers(candidate: Candidate, registry: Registry) -> list[Offer]:
    """Return the cheapest offer of the system in each term, and what buying it costs, nearest places first.

    Where no one rents out this very system, offers of others with as many of the same device stand in.
    """
    system, here = candidate.system, candidate.offer
    near = here.country if here is not None else ""
    alike = {other.id for other in registry.systems
             if (other.device, other.device_count) == (system.device, system.device_count)}  # fmt: skip
    same = [offer for offer in registry.offers if offer.system == system.id and offer.term != "owned"]
    best: dict[str, Offer] = {}
    for offer in same or [offer.replace(system=system.id) for offer in registry.offers if offer.system in alike]:
        if offer.price_usd_per_hour is None or offer.term == "owned":
            continue
        known = best.get(offer.term)
        if known is None or _order(offer, near) < _order(known, near):
            best[offer.term] = offer
    bought = purchase(candidate, registry)
    return [*best.values(), *([bought] if bought is not None else [])]


def purchase(candidate: Candidate, registry: Registry) -> Offer | None:
    """Return what the system costs to buy: its own price, else that of the nearest count of the same device.

    The latter is in proportion to the devices and says so in ``estimated``.
    """
    system = candidate.system
    counts = {other.id: other.device_count for other in registry.systems if other.device == system.device}
    found = [offer for offer in registry.offers if offer.purchase_usd is not None and offer.system in counts]
    if not found:
        return None
    nearest = min(found, key=lambda offer: (offer.system != system.id, abs(counts[offer.system] - system.device_count)))
    if counts[nearest.system] == system.device_count:
        return nearest.replace(system=system.id)
    factor = system.device_count / counts[nearest.system]
    method = f"{factor:g} x the price of {nearest.system}, in proportion to its devices"
    return nearest.replace(system=system.id, purchase_usd=(nearest.purchase_usd or 0.0) * factor,
                           estimated={**nearest.estimated, "purchase_usd": method})  # fmt: skip


def _order(offer: Offer, country: str) -> tuple[bool, float]:
    return offer.country != country, offer.price_usd_per_hour or 0.0
