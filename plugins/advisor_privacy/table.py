"""The matrix of rules by offer: which offer meets which rule, worked out once for offers that are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from advisor.candidates import Array
from advisor.offers import Offer
from advisor.workload import Workload
from advisor_privacy.applicable import applicable_rules
from advisor_privacy.areas import known_areas
from advisor_privacy.rules import DATA_REGION, LEGAL_AREA, Rule, RuleBook

#: Tenancies by which no other customer's work is on the machine.
TENANCIES = {"dedicated": {"dedicated", "dedicated-host", "bare-metal", "private", "single-tenant", "own", "owned"}}


@dataclass(frozen=True)
class RuleTable:
    """``met[c, r, o]``: offer o meets rule r where the device lacks (c = 0) or has (1) memory encryption."""

    rules: Sequence[Rule]
    met: Array

    @property
    def score(self) -> Array:
        """Points met over points within reach, 0 to 100, by (c, offer); 100 where no rule gives any."""
        points = np.array([rule.points for rule in self.rules])
        if not points.any():
            return np.full((self.met.shape[0], self.met.shape[2]), 100.0)
        return np.asarray(100.0 * np.einsum("r,cro->co", points, self.met) / points.sum())

    @property
    def names(self) -> list[str]:
        """Names of the rules, in the order of ``met``."""
        return [rule.name for rule in self.rules]

    @property
    def allowed(self) -> Array:
        """Whether the offer meets every hard rule, by (c, offer)."""
        hard = [index for index, rule in enumerate(self.rules) if rule.hard]
        return np.asarray(self.met[:, hard].all(axis=1))


class Facts(NamedTuple):
    """What rules look at, of one offer; most offers of a provider's region share it."""

    country: str
    places: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    certifications: tuple[str, ...]
    tenancy: str
    on_premises: bool
    confidential: bool

    @property
    def countries(self) -> frozenset[str]:
        """Codes of where it is: its country, else the one country among the areas that it names."""
        areas = known_areas()
        if self.country:
            return frozenset([areas.country(self.country)])
        return next((codes for place in self.places if len(codes := areas.countries([place])) == 1), frozenset())


def rule_table(offers: Sequence[Offer], workload: Workload, book: RuleBook | None = None) -> RuleTable:
    """Return which offer meets which of the rules that the workload brings into force.

    Raises ``InputError`` for a data class, data region or policy that no one knows.
    """
    rules = applicable_rules(workload, book)
    positions: dict[Facts, int] = {}
    kinds = np.array([positions.setdefault(_facts(offer), len(positions)) for offer in offers], dtype=np.intp)
    met = np.array(
        [
            [[_meets(facts, rule, workload, encrypts) for facts in positions] for rule in rules]
            for encrypts in (False, True)
        ],
        dtype=bool,
    ).reshape(2, len(rules), len(positions))
    return RuleTable(rules, met[:, :, kinds])


def _facts(offer: Offer) -> Facts:
    places = () if offer.country else (offer.region, *offer.areas)
    return Facts(
        offer.country, places, offer.jurisdictions, offer.certifications, offer.tenancy,
        offer.on_premises, offer.confidential_computing,
    )  # fmt: skip


def _meets(facts: Facts, rule: Rule, workload: Workload, encrypts: bool) -> bool:
    return any(
        all(_CONDITIONS[name](facts, asked, workload, encrypts) for name, asked in entry.items())
        for entry in rule.require
    )


def _wanted(names: Iterable[str], workload: Workload) -> frozenset[str]:
    """Codes of the areas, those that stand for the workload's region included."""
    areas = known_areas()
    region = areas.countries([workload.data_region])
    common = areas.resolve("eea")
    meant = {DATA_REGION: region, LEGAL_AREA: common if region and region <= common else region}
    return frozenset().union(*(meant[name] if name in meant else areas.countries([name]) for name in names))


def _country_in(facts: Facts, asked: Any, workload: Workload, encrypts: bool) -> bool:
    return bool(facts.countries) and facts.countries <= _wanted(asked, workload)


def _jurisdictions_within(facts: Facts, asked: Any, workload: Workload, encrypts: bool) -> bool:
    codes = {known_areas().country(name) for name in facts.jurisdictions}
    return bool(codes) and codes <= _wanted(asked, workload)


def _certification(facts: Facts, asked: Any, workload: Workload, encrypts: bool) -> bool:
    beginnings = tuple(_compact(name) for name in asked)
    return any(_compact(held).startswith(beginnings) for held in facts.certifications)


def _tenancy(facts: Facts, asked: Any, workload: Workload, encrypts: bool) -> bool:
    tenancy = facts.tenancy.strip().lower().replace("_", "-").replace(" ", "-")
    return any(tenancy in TENANCIES.get(name, {name}) for name in asked)


def _on_premises(facts: Facts, asked: Any, workload: Workload, encrypts: bool) -> bool:
    return bool(facts.on_premises == asked)


def _confidential(facts: Facts, asked: Any, workload: Workload, encrypts: bool) -> bool:
    return bool((facts.confidential or encrypts) == asked)


_CONDITIONS: dict[str, Callable[[Facts, Any, Workload, bool], bool]] = {
    "country_in": _country_in,
    "jurisdictions_within": _jurisdictions_within,
    "certification": _certification,
    "tenancy": _tenancy,
    "on_premises": _on_premises,
    "confidential": _confidential,
}


def _compact(name: str) -> str:
    """``ISO/IEC 27001`` and ``iso-27001`` alike."""
    letters = "".join(letter for letter in name.lower() if letter.isalnum())
    return letters.replace("isoiec", "iso")
