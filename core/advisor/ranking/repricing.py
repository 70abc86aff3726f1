"""The same question at other offers: estimates do not depend on offers, so only what follows them is done again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from advisor.context import Context
from advisor.errors import InputError, UnknownNameError
from advisor.offers import Offer
from advisor.records import problem

if TYPE_CHECKING:
    from advisor.ranking.result import Ranking

#: What a context has worked out that does not depend on offers.
_OF_HARDWARE = ("devices", "systems", "legality", "policies")
_TOO_FEW = "the offer has too few of the system"


def with_offers(
    ranking: Ranking, offers: Iterable[Offer], prices: Mapping[str, float], without: Iterable[str]
) -> Ranking:
    """See ``Ranking.with_offers``. Where not every candidate was kept, all are estimated again."""
    from advisor.engine import answer

    old, without = ranking.context, tuple(without)
    known = {offer.id: offer for offer in old.offer_list}
    for offer_id in (*prices, *without):
        if offer_id not in known:
            raise UnknownNameError("offer", offer_id, known)
    given = [*(known[offer_id].replace(price_usd_per_hour=price) for offer_id, price in prices.items()), *offers]
    warnings = [line for line in old.warnings if not line.startswith("offer ")]
    for offer in given:
        if _is_usable(offer, ranking, warnings):
            known[offer.id] = offer
        else:
            known.pop(offer.id, None)
    left = [known[offer_id] for offer_id in sorted(known.keys() - set(without))]
    context = _context(old, left, warnings)
    gone = {offer.system for offer in old.offer_list} - {offer.system for offer in left}
    if ranking.estimated is None:
        return ranking.again(context)
    keep = np.array([system.id not in gone for system in context.system_list], dtype=bool)
    nothing = ranking.too_big.take(np.zeros(0, dtype=int))
    blocks = [(block.take(keep[block["system"]]) if gone and len(block) else block, nothing)
              for block in ranking.estimated]  # fmt: skip
    missed = ranking.too_big.take(keep[ranking.too_big["system"]]) if len(ranking.too_big) else ranking.too_big
    with np.errstate(all="ignore"):
        return answer([(nothing, missed), *blocks], context, ranking.registry, ranking.choices, ranking.again)


def _is_usable(offer: Offer, ranking: Ranking, warnings: list[str]) -> bool:
    """Whether an offer is one that the workload would consider, of hardware that was estimated."""
    from advisor.api import offer_passes

    wrong = problem(offer)
    if wrong:
        raise InputError(f"offer {offer.id!r}: {wrong}")
    if ranking.registry.systems.find(offer.system) is None:
        raise UnknownNameError("system", offer.system, [system.id for system in ranking.registry.systems])
    if not offer_passes(offer, ranking.context.workload):
        return False
    if any(system.id == offer.system for system in ranking.context.system_list):
        return True
    warnings.append(f"offer {offer.id!r} left out: its system {offer.system!r} was not on offer in this ranking, so it "
                    "was not estimated; rank again")  # fmt: skip
    return False


def _context(old: Context, offers: list[Offer], warnings: list[str]) -> Context:
    left_out = {reason: count for reason, count in old.left_out.items() if reason != _TOO_FEW}
    context = old.changed(offer_list=tuple(offers), warnings=warnings, left_out=left_out)
    for name in _OF_HARDWARE:
        if name in old.__dict__:
            context.__dict__[name] = old.__dict__[name]
    return context
