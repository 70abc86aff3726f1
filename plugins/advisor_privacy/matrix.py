"""Which offers meet which rules, for ``advisor privacy``: those of a provider and country that are alike, together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from advisor.devices import Device, Source, System
from advisor.offers import Offer
from advisor.policies import Policy
from advisor.workload import Workload
from advisor_privacy.applicable import applicable_rules, followed_policies, threats_of
from advisor_privacy.conditions import BY_DEVICE, BY_OFFER, NOT_ENCRYPTED
from advisor_privacy.rules import Rule
from advisor_privacy.table import table_of

NOTICE = (
    "Decision support, not legal advice: the rules simplify the laws and standards that they cite, and certificates "
    "are taken as providers list them. Whether one covers a service and region has to be read there."
)


@dataclass
class Group:
    """Offers that meet the same rules in the same way."""

    provider: str
    country: str
    tenancy: str
    on_premises: bool
    score: float
    met: tuple[bool, ...]
    met_encrypted: tuple[bool, ...]
    offers: list[Offer] = field(default_factory=list)

    def broken(self, rules: Sequence[Rule], encrypted: bool) -> list[Rule]:
        """Hard rules that it breaks, with confidential computing switched on or off."""
        met = self.met_encrypted if encrypted else self.met
        return [rule for rule, is_met in zip(rules, met, strict=True) if rule.hard and not is_met]

    def verdict(self, rules: Sequence[Rule]) -> str:
        """``yes``, ``encrypted`` (with confidential computing switched on), or ``no``."""
        if not self.broken(rules, False):
            return "yes"
        return "no" if self.broken(rules, True) else "encrypted"


@dataclass(frozen=True)
class Matrix:
    """Rules in force, policies and threats that brought them, and groups of offers, the best first."""

    workload: Workload
    policies: Mapping[str, Policy]
    rules: Sequence[Rule]
    groups: Sequence[Group]

    def met_by(self, index: int) -> int:
        """How many offers meet a rule, confidential computing switched on where that helps."""
        return sum(len(group.offers) for group in self.groups if group.met[index] or group.met_encrypted[index])

    def to_dict(self) -> dict[str, Any]:
        """The answer for programs."""
        return {
            "policies": [{"id": one.id, "name": one.name, "kind": one.kind} for one in self.policies.values()],
            "threats": [threat.id for threat in threats_of(self.workload)],
            "rules": [_rule(rule) for rule in self.rules],
            "offers": [self._group(group) for group in self.groups],
            "notice": NOTICE,
        }

    def _group(self, group: Group) -> dict[str, Any]:
        met = {rule.name: a or b for rule, a, b in zip(self.rules, group.met, group.met_encrypted, strict=True)}
        return {
            "provider": group.provider, "country": group.country, "tenancy": group.tenancy,
            "on_premises": group.on_premises, "regions": sorted({offer.region for offer in group.offers}),
            "offers": [offer.id for offer in group.offers], "allowed": group.verdict(self.rules), "score": group.score,
            "met": met, "broken": [rule.name for rule in group.broken(self.rules, True)],
        }  # fmt: skip


def matrix(
    workload: Workload, offers: Sequence[Offer], policies: Iterable[Policy], systems: Iterable[System],
    devices: Iterable[Device], each: bool = False,
) -> Matrix:  # fmt: skip
    """Judge every offer; ``each`` leaves offers apart that are alike."""
    known = list(policies)
    rules = applicable_rules(workload, lambda: known)
    table = table_of(rules, offers, workload.data_region)
    able = {device.id for device in devices if device.confidential_computing}
    device_of = {system.id: system.device for system in systems}
    groups: dict[tuple[Any, ...], Group] = {}
    for place, offer in enumerate(offers):
        layer = BY_DEVICE if device_of.get(offer.system) in able else BY_OFFER
        group = Group(
            offer.provider, offer.country, offer.tenancy, offer.on_premises, round(float(table.score[layer, place]), 1),
            tuple(table.met[NOT_ENCRYPTED, :, place].tolist()), tuple(table.met[layer, :, place].tolist()),
        )  # fmt: skip
        key = (offer.provider, offer.country, offer.tenancy, group.met, group.met_encrypted, offer.id if each else "")
        groups.setdefault(key, group).offers.append(offer)
    order = {"yes": 0, "encrypted": 1, "no": 2}
    ranked = sorted(groups.values(), key=lambda group: (order[group.verdict(rules)], -group.score, group.provider))
    return Matrix(workload, followed_policies(workload, lambda: known), rules, ranked)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name, "origin": rule.origin, "topic": rule.data.topic, "hard": rule.hard, "points": rule.points,
        "doc": rule.doc, "clause": rule.clause,
        "source": _source(rule.source), "read": None if rule.read is None else _source(rule.read),
    }  # fmt: skip


def _source(source: Source) -> dict[str, Any]:
    return {"title": source.title, "url": source.url, "date": source.date.isoformat()}
