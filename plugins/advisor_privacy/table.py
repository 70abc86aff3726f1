"""The matrix of rules by offer: which offer meets which rule, worked out once for offers that are alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from advisor.candidates import Array
from advisor.offers import Offer
from advisor.policies import Policy
from advisor.workload import Workload
from advisor_privacy.applicable import applicable_rules
from advisor_privacy.conditions import BY_DEVICE, CONDITIONS, Asked, Facts, Judged, facts_of, judged
from advisor_privacy.rules import Rule


class RuleTable:
    """``met[e, r, o]``: offer o meets rule r where memory is encrypted as the layer e of ``conditions`` says."""

    def __init__(self, rules: Sequence[Rule], met: Array) -> None:
        self.rules = rules
        self.met = met

    @property
    def points(self) -> Array:
        """Points of each rule, 0 of a hard one."""
        return np.array([rule.points for rule in self.rules])

    @property
    def score(self) -> Array:
        """Points met over points within reach, 0 to 100, by (e, offer); 100 where no rule gives any."""
        if not self.points.any():
            return np.full((self.met.shape[0], self.met.shape[2]), 100.0)
        return np.asarray(100.0 * np.einsum("r,ero->eo", self.points, self.met) / self.points.sum())

    @property
    def names(self) -> list[str]:
        """Names of the rules, in the order of ``met``."""
        return [rule.name for rule in self.rules]

    @property
    def allowed(self) -> Array:
        """Whether the offer meets every hard rule, by (e, offer)."""
        hard = [index for index, rule in enumerate(self.rules) if rule.hard]
        return np.asarray(self.met[:, hard].all(axis=1))


def rule_table(offers: Sequence[Offer], workload: Workload, policies: Iterable[Policy] = ()) -> RuleTable:
    """Return which offer meets which of the rules that the workload brings into force.

    Raises ``InputError`` for a data class, data region, policy or threat that no one knows.
    """
    return table_of(applicable_rules(workload, lambda: policies), offers, workload.data_region)


def table_of(rules: Sequence[Rule], offers: Sequence[Offer], data_region: str) -> RuleTable:
    """Return which offer meets which rule, for data of people of that region."""
    positions: dict[Facts, int] = {}
    kinds = np.array([positions.setdefault(facts_of(offer), len(positions)) for offer in offers], dtype=np.intp)
    known = [judged(facts) for facts in positions]
    layers = [Asked(data_region, layer) for layer in range(BY_DEVICE + 1)]
    met = np.zeros((len(layers), len(rules), len(known)), dtype=bool)
    for place, rule in enumerate(rules):
        apart = layers if rule.looks_at_encryption_in_use else layers[:1]  # else all layers are alike
        for layer, asked in enumerate(apart):
            met[layer if len(apart) > 1 else slice(None), place] = [_meets(one, rule, asked) for one in known]
    return RuleTable(rules, met[:, :, kinds])


def _meets(one: Judged, rule: Rule, asked: Asked) -> bool:
    for entry in rule.require:
        for name, wanted in entry.items():
            if not CONDITIONS[name](one, wanted, asked):
                break
        else:
            return True
    return False
