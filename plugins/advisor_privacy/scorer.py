"""The privacy scorer: points from 0 to 100, and offers that hard rules put out of bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Objective, Refusals, Scorer, Scores
from advisor_privacy.applicable import applicable_rules
from advisor_privacy.rules import Rule
from advisor_privacy.table import rule_table


class PrivacyScorer(Scorer):
    """Decision support, not legal advice: rules of ``rules.toml`` over place, law, tenancy, certificates."""

    name = "privacy"
    enforces = ("policies", "confidential", "data_region")
    doc = "share of privacy points that the offer has; hard rules by data class, region and policy"

    def objectives(self, context: Context) -> Sequence[Objective]:
        """Return the one objective; raises ``InputError`` for a class, region or policy that no one knows."""
        applicable_rules(context.workload)
        return [
            Objective("privacy", "", "maximize", "privacy points of the offer for this data, out of 100",
                      aspect="privacy", scale="linear", span=25.0),
        ]  # fmt: skip

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; where no offer is known the score is NaN, and only the device's rules bind."""
        table = rule_table(context.offer_list, context.workload)
        offer = rows["offer"]
        encrypts = np.array([device.confidential_computing for device in context.device_list], dtype=int)
        encrypts = encrypts[rows["device"]]

        def gather(by_offer: Array, unknown: Sequence[float]) -> Array:
            """Bring (2, offers) to rows; ``unknown`` is for offer -1, by whether the device encrypts memory."""
            last = np.asarray(unknown, dtype=by_offer.dtype).reshape(2, 1)
            return np.asarray(np.concatenate([by_offer, last], axis=1)[encrypts, offer])

        value = gather(table.score, (np.nan, np.nan))
        within_reach = sum(rule.points for rule in table.rules)
        parts: dict[str, Array] = {}
        exclusions: Refusals = []
        for index, rule in enumerate(table.rules):
            met = table.met[:, index]
            if rule.points:
                part = f"{rule.name} ({rule.clause.split(':')[0]})"
                parts[part] = gather(met * (100.0 * rule.points / within_reach), (np.nan, np.nan))
            if rule.hard:
                of_device = all(entry.keys() == {"confidential"} for entry in rule.require)
                out = ~gather(met, (not of_device, True))
                if out.any():
                    exclusions.append((out, f"privacy rule {describe(rule)}"))
        if not parts:
            parts["no rule gives points for public data"] = value
        return Scores({"privacy": (value, value, value)}, {"privacy": parts}, exclusions)


def describe(rule: Rule) -> str:
    """Return the line by which a rule is known where it rules out an offer."""
    return f"{rule.name}: {rule.doc} ({rule.clause})"
