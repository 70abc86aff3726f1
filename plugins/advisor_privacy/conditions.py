"""What a rule may ask of an offer: the keys of ``require``, one function each.

All conditions of an entry must hold, and any entry suffices.

- ``country_in``, ``country_outside``: the offer's country is in one of the areas, in none of them;
  ``$data_region`` is the region of the data's subjects, and ``$legal_area`` that or, where it is a part
  of the EEA, the EEA, within which data move freely
- ``jurisdictions_within``, ``jurisdictions_outside``: every country whose law reaches the provider is in
  one of the areas, in none of them
- ``provider``: it is one of these
- ``certification``: it has one of them; beginnings match (``fedramp``)
- ``tenancy``, ``tenancy_other_than``: it is one of them, none of them; ``dedicated`` stands for all by
  which no other customer's work is on the machine
- ``encryption``, ``logging``: the provider offers one of them
- ``on_premises``: the offer is on one's own premises
- ``confidential``: memory is encrypted while it is used
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from advisor.offers import Offer
from advisor_privacy.areas import known_areas

SUBJECTS_REGION = "$data_region"
LEGAL_AREA = "$legal_area"

#: Tenancies by which no other customer's work is on the machine.
ALONE = {"dedicated", "dedicated-host", "bare-metal", "private", "single-tenant", "own", "owned", "air-gapped", "edge"}
TENANCIES = {"dedicated": ALONE}

#: Whether memory is encrypted: not at all, where the offer says so, or also where the device can and is on the
#: user's premises (firmware that a provider controls may not have it switched on). Layers of the table of rules.
NOT_ENCRYPTED, BY_OFFER, BY_DEVICE = range(3)


class Facts(NamedTuple):
    """What rules look at, of one offer; most offers of a provider's region share it."""

    provider: str
    country: str
    places: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    certifications: tuple[str, ...]
    encryption: tuple[str, ...]
    logging: tuple[str, ...]
    tenancy: str
    on_premises: bool
    confidential: bool


class Judged:
    """Facts with what is worked out of them once: codes of where it is and of the law there, certificates."""

    def __init__(self, facts: Facts) -> None:
        areas = known_areas()
        self.facts = facts
        if facts.country:  # else the one country among the areas that it names
            self.countries = frozenset([areas.country(facts.country)])
        else:
            named = (areas.countries([place]) for place in facts.places)
            self.countries = next((codes for codes in named if len(codes) == 1), frozenset())
        self.law = frozenset(areas.country(name) for name in facts.jurisdictions)
        self.certificates = [compact(held) for held in facts.certifications]


#: Facts of a catalog's offers are judged in question after question.
judged = lru_cache(4096)(Judged)


class Asked:
    """What a condition is judged by beside the offer: the subjects' region, and how memory is encrypted."""

    def __init__(self, data_region: str = "", layer: int = NOT_ENCRYPTED) -> None:
        self.data_region = data_region
        self.layer = layer
        self._known: dict[tuple[str, ...], frozenset[str]] = {}

    def codes(self, names: Iterable[str]) -> frozenset[str]:
        """Codes of the areas, those that stand for the subjects' region included."""
        key = tuple(names)
        if key not in self._known:
            self._known[key] = self._codes(key)
        return self._known[key]

    def _codes(self, names: tuple[str, ...]) -> frozenset[str]:
        areas = known_areas()
        region = areas.countries([self.data_region])
        common = areas.resolve("eea")
        meant = {SUBJECTS_REGION: region, LEGAL_AREA: common if region and region <= common else region}
        return frozenset().union(*(meant[name] if name in meant else areas.countries([name]) for name in names))


def facts_of(offer: Offer) -> Facts:
    """Return what rules look at of an offer."""
    places = () if offer.country else (offer.region, *offer.areas)
    return Facts(
        offer.provider, offer.country, places, offer.jurisdictions, offer.certifications, offer.encryption,
        offer.logging, spelled(offer.tenancy), offer.on_premises, offer.confidential_computing,
    )  # fmt: skip


def _country_in(one: Judged, names: Any, asked: Asked) -> bool:
    return bool(one.countries) and one.countries <= asked.codes(names)


def _country_outside(one: Judged, names: Any, asked: Asked) -> bool:
    return bool(one.countries) and one.countries.isdisjoint(asked.codes(names))


def _jurisdictions_within(one: Judged, names: Any, asked: Asked) -> bool:
    return bool(one.law) and one.law <= asked.codes(names)


def _jurisdictions_outside(one: Judged, names: Any, asked: Asked) -> bool:
    return bool(one.law) and one.law.isdisjoint(asked.codes(names))


def _provider(one: Judged, names: Any, asked: Asked) -> bool:
    return one.facts.provider in names


def _certification(one: Judged, names: Any, asked: Asked) -> bool:
    beginnings = _compact(tuple(names))
    return any(held.startswith(beginnings) for held in one.certificates)


@cache
def _compact(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(compact(name) for name in names)


def _tenancy(one: Judged, names: Any, asked: Asked) -> bool:
    return any(one.facts.tenancy in TENANCIES.get(name, {name}) for name in names)


def _tenancy_other_than(one: Judged, names: Any, asked: Asked) -> bool:
    return not _tenancy(one, names, asked)


def _encryption(one: Judged, names: Any, asked: Asked) -> bool:
    return not set(names).isdisjoint(one.facts.encryption)


def _logging(one: Judged, names: Any, asked: Asked) -> bool:
    return not set(names).isdisjoint(one.facts.logging)


def _on_premises(one: Judged, wanted: Any, asked: Asked) -> bool:
    return bool(one.facts.on_premises == wanted)


def _confidential(one: Judged, wanted: Any, asked: Asked) -> bool:
    by_device = asked.layer == BY_DEVICE and one.facts.on_premises
    return bool((asked.layer != NOT_ENCRYPTED and (one.facts.confidential or by_device)) == wanted)


CONDITIONS: dict[str, Callable[[Judged, Any, Asked], bool]] = {
    "country_in": _country_in,
    "country_outside": _country_outside,
    "jurisdictions_within": _jurisdictions_within,
    "jurisdictions_outside": _jurisdictions_outside,
    "provider": _provider,
    "certification": _certification,
    "tenancy": _tenancy,
    "tenancy_other_than": _tenancy_other_than,
    "encryption": _encryption,
    "logging": _logging,
    "on_premises": _on_premises,
    "confidential": _confidential,
}


def spelled(name: str) -> str:
    """Lower case, with hyphens."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


@cache
def compact(name: str) -> str:
    """``ISO/IEC 27001`` and ``iso-27001`` alike."""
    letters = "".join(letter for letter in name.lower() if letter.isalnum())
    return letters.replace("isoiec", "iso")
