"""What is wrong with policies: rules without clause or source, names used twice, includes of what is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from advisor.policies import Policy

KINDS = ("law", "standard", "choice")
TOPICS = ("place", "provider", "tenancy", "encryption", "logging")


def policy_problems(policies: Sequence[Policy], known: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (check, line); ``known`` are ids that ``includes`` may name beside those of ``policies``."""
    ids = {policy.id for policy in policies}.union(known)
    owners: dict[str, str] = {}
    names: dict[str, str] = {}
    for policy in policies:
        where = f"policy {policy.id}"
        for name in (policy.id, *policy.aliases):
            if names.setdefault(name.lower(), policy.id) != policy.id:
                yield "duplicates", f"{where}: the name {name!r} is also one of {names[name.lower()]}"
        if policy.kind not in KINDS:
            yield "schema", f"{where}: kind: {policy.kind!r} is not one of {', '.join(KINDS)}"
        for name in policy.includes:
            if name not in ids:
                yield "references", f"{where}: includes: unknown policy {name!r}"
        for rule in policy.rules:
            at = f"{where}: rule {rule.name}"
            if owners.setdefault(rule.name, policy.id) != policy.id:
                yield "duplicates", f"{at}: is also a rule of {owners[rule.name]}"
            if rule.topic not in TOPICS:
                yield "schema", f"{at}: topic: {rule.topic!r} is not one of {', '.join(TOPICS)}"
            if not rule.clause.strip():
                yield "sources", f"{at}: no clause"
            if rule.source not in ("", *policy.sources):
                yield "sources", f"{at}: no source {rule.source!r}"
            if rule.read not in ("", *policy.sources):
                yield "sources", f"{at}: read: no source {rule.read!r}"
            if rule.hard == bool(rule.points) or rule.points > 100:
                yield "ranges", f"{at}: give hard = true or points of 1 to 100"
            if not rule.require or not all(rule.require):
                yield "schema", f"{at}: requires nothing"
