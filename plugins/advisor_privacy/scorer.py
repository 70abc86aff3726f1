"""The privacy scorer: points from 0 to 100, and offers that hard rules put out of bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Objective, Refusals, Scorer, Scores
from advisor.policies import Policy
from advisor_privacy.applicable import applicable_rules, laws_passed_over
from advisor_privacy.conditions import BY_DEVICE, BY_OFFER, CONDITIONS, NOT_ENCRYPTED, Asked, facts_of, judged
from advisor_privacy.encrypted_memory import IN_USE
from advisor_privacy.rules import Rule
from advisor_privacy.table import RuleTable, table_of


class PrivacyScorer(Scorer):
    """Decision support, not legal advice: rules over place, law, tenancy, certificates, encryption and logs."""

    name = "privacy"
    enforces = ("policies", "threat", "confidential", "data_region")
    doc = "share of privacy points that the offer has; hard rules by data class, region, policy and threat"
    columns = (IN_USE,)

    def objectives(self, context: Context) -> Sequence[Objective]:
        """Return the one objective; raises ``InputError`` for a class, region, policy or threat that no one knows."""
        self._rules(context)
        passed_over = context.once("privacy.passed", lambda: laws_passed_over(context.workload, self._all(context)))
        if passed_over:
            context.warn(passed_over)
        return [
            Objective("privacy", "", "maximize", "privacy points of the offer for this data, out of 100",
                      aspect="privacy", scale="linear", span=25.0),
        ]  # fmt: skip

    @staticmethod
    def _all(context: Context) -> Callable[[], Sequence[Policy]]:
        return lambda: context.policies

    def _rules(self, context: Context) -> list[Rule]:
        return context.once("privacy.rules", lambda: applicable_rules(context.workload, self._all(context)))

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; where no offer is known the score is NaN, and only the device's rules bind."""
        rules = self._rules(context)
        table = context.once(
            "privacy.table", lambda: table_of(rules, context.offer_list, context.workload.data_region)
        )
        offer = rows["offer"]
        in_use = rows[IN_USE.name] if IN_USE.name in rows.schema else np.zeros(len(rows), dtype=bool)
        able = np.array([device.confidential_computing for device in context.device_list])[rows["device"]]
        could = np.where(able, BY_DEVICE, BY_OFFER)  # points are for what can be switched on
        does = np.where(in_use, could, NOT_ENCRYPTED)  # hard rules need it switched on

        def gather(by_offer: Array, layer: Array, unknown: Sequence[float]) -> Array:
            """Bring (layers, offers) to rows; ``unknown`` is for offer -1, by layer."""
            last = np.asarray(unknown, dtype=by_offer.dtype).reshape(-1, 1)
            return np.asarray(np.concatenate([by_offer, last], axis=1)[layer, offer])

        value = gather(table.score, could, (np.nan,) * 3)
        parts: dict[str, Array] = {}
        exclusions: Refusals = []
        for index, rule in enumerate(rules):
            met = table.met[:, index]
            if rule.points:
                part = f"{rule.name} ({rule.clause.split(':')[0]})"
                share = 100.0 * rule.points / table.points.sum()
                parts[part] = gather(met * share, could, (np.nan,) * 3)
            if rule.hard:
                of_device = all(entry.keys() == {"confidential"} for entry in rule.require)
                out = ~gather(met, does, (not of_device, not of_device, True))
                if out.any():
                    exclusions.append((out, f"privacy rule {describe(rule)}"))
        if in_use.any():
            out = in_use & ~gather(_offered(table, context), could, (False, False, True))
            exclusions += [(out, "confidential computing is not offered here")] if out.any() else []
        if not parts:
            parts["no rule gives points for public data"] = value
        return Scores({"privacy": (value, value, value)}, {"privacy": parts}, exclusions)


def _offered(table: RuleTable, context: Context) -> Array:
    """Whether confidential computing can be had, by (layer, offer)."""
    facts = [judged(facts_of(offer)) for offer in context.offer_list]
    layers = [Asked(layer=layer) for layer in range(table.met.shape[0])]
    had = [[CONDITIONS["confidential"](fact, True, asked) for fact in facts] for asked in layers]
    return np.array(had, dtype=bool).reshape(len(layers), len(facts))


def describe(rule: Rule) -> str:
    """Return the line by which a rule is known where it rules out an offer."""
    return f"{rule.name}: {rule.doc} ({rule.clause})"
