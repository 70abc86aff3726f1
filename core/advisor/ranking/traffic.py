"""At what traffic other hardware comes first: the question asked again with more and with less, and bisected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from advisor.ranking.sensitivity import bisected
from advisor.ranking.tipping import Tipping

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Ranking

#: What the user may say of how much there is to do, and its unit.
FIELDS = {"request_rate": "/s", "concurrency": "", "rows": "", "tokens": ""}
#: Factors that are tried, until the winner changes: to nine times as much.
STEPS = tuple(1.2**step for step in range(1, 13))
#: Relative width to which the change is bisected.
CLOSE = 0.02


def traffic_tippings(ranking: Ranking) -> list[Tipping]:
    """Less and more traffic at which other hardware wins; nothing where the workload says none.

    Each try is a ranking of its own, of the systems and offers of which any candidate is the best of
    its system and provider now. Whole units make the winner change back and forth as traffic grows:
    a change between two tries that both have today's winner is not seen.
    """
    workload = ranking.context.workload
    field = next((name for name in FIELDS if getattr(workload, name) is not None), None)
    if field is None or ranking.best is None:
        return []
    if workload.task != "serve" and workload.finish_in is None and workload.budget is None:
        return []  # a job twice as long takes twice as much of everything, on any hardware
    return [tipping for up in (False, True) for tipping in _search(ranking, field, up)]


def _search(ranking: Ranking, field: str, up: bool) -> Iterator[Tipping]:
    now = float(getattr(ranking.context.workload, field))
    whole = FIELDS[field] == ""
    tried: dict[float, Candidate | None] = {}
    first = ranking.best
    assert first is not None

    def changed(amount: float) -> bool:
        amount = max(1.0, round(amount)) if whole else amount
        if amount not in tried:
            tried[amount] = _best_at(ranking, field, amount)
        best = tried[amount]
        return best is None or _identity(best) != _identity(first)

    near = now
    for step in STEPS:
        far = now * step if up else now / step
        if whole and far < 1:
            return
        if changed(far):
            at = bisected(changed, near, far, CLOSE)
            at = max(1.0, round(at)) if whole else at
            yield Tipping("traffic", field, now, at, FIELDS[field], tried[at])
            return
        near = far


def _identity(candidate: Candidate) -> tuple[str, str]:
    """What tells real alternatives apart: the device and who has it."""
    return candidate.device.id, candidate.offer.provider if candidate.offer is not None else ""


def _best_at(ranking: Ranking, field: str, amount: float) -> Candidate | None:
    """The best at another amount of traffic, among the offers that lead in their system and provider."""
    from advisor.engine import rank

    context = ranking.context
    offers = [context.offer_list[place] for place in _leading_offers(ranking)]
    wanted = {offer.system for offer in offers}
    systems = [system for system in context.system_list if system.id in wanted]
    used = {system.device for system in systems}
    workload = context.workload.replace(**{field: type(getattr(context.workload, field))(amount)})
    other = context.changed(
        workload=workload, offer_list=offers, system_list=systems, warnings=[], left_out={},
        device_list=[device for device in context.device_list if device.id in used],
    )  # fmt: skip
    return rank(other, ranking.registry).best


def _leading_offers(ranking: Ranking) -> list[int]:
    """Positions of the offers of the best feasible row of each system and provider."""
    rows, context = ranking.rows, ranking.context
    offers = rows["offer"][: ranking.feasible_count]
    providers = {name: code for code, name in enumerate(dict.fromkeys(offer.provider for offer in context.offer_list))}
    of_offer = np.array([providers[offer.provider] for offer in context.offer_list] + [-1])
    key = rows["system"][: ranking.feasible_count].astype(np.int64) * (len(providers) + 1) + of_offer[offers]
    _, first = np.unique(key, return_index=True)
    return sorted({int(place) for place in offers[np.sort(first)] if place >= 0})
