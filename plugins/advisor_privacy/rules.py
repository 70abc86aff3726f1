"""Rules in force, and the plugin's own file of them: points for all data, and what each threat demands."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from advisor.compiled import toml_data
from advisor.devices import Source
from advisor.errors import InputError
from advisor.policies import Policy, PolicyRule
from advisor_privacy.conditions import CONDITIONS, LEGAL_AREA, SUBJECTS_REGION

#: Classes of data, and those of them that may bring a policy unasked.
DATA_CLASSES = ("public", "internal", "personal", "health", "payment", "export-controlled")
SENSITIVE = DATA_CLASSES[2:]
TOPICS = ("place", "provider", "tenancy", "encryption", "logging")

#: Keys of ``when``; all must hold. ``data_classes``, ``data_regions``: the workload's is among them, or
#: overlaps one. ``policies``, ``without_policies``: any is followed; none is. ``confidential``,
#: ``region_given``: the workload asks for confidential computing; names a region.
WHEN = {"data_classes", "data_regions", "policies", "without_policies", "confidential", "region_given"}


class Rule:
    """A rule and what it is from: a policy, a threat, or nothing but the data's class."""

    def __init__(self, data: PolicyRule, origin: str, source: Source, read: Source | None = None) -> None:
        self.data = data
        self.origin = origin
        self.source = source
        self.read = read

    @property
    def name(self) -> str:
        """Its name, unique among all rules."""
        return self.data.name

    @property
    def doc(self) -> str:
        """What it asks, in words."""
        return self.data.doc

    @property
    def clause(self) -> str:
        """Article, section or control that it is from."""
        return self.data.clause

    @property
    def hard(self) -> bool:
        """Whether an offer that breaks it is out."""
        return self.data.hard

    @property
    def points(self) -> float:
        """What an offer that meets it earns."""
        return self.data.points

    @property
    def require(self) -> tuple[Mapping[str, Any], ...]:
        """Entries of conditions, of which one must hold."""
        return self.data.require

    @property
    def needs_region(self) -> bool:
        """Whether it compares with the region of the data's subjects."""
        values = [value for entry in self.require for value in entry.values()]
        return any({SUBJECTS_REGION, LEGAL_AREA}.intersection(value) for value in values if isinstance(value, list))

    @property
    def looks_at_encryption_in_use(self) -> bool:
        """Whether confidential computing can meet it."""
        return any("confidential" in entry for entry in self.require)


class Threat:
    """Whom data or model are to be safe from, with what that demands."""

    def __init__(self, name: str, doc: str, rules: tuple[Rule, ...]) -> None:
        self.id = name
        self.doc = doc
        self.rules = rules


class Baseline:
    """The plugin's own rules: those of all data, and threats by name."""

    def __init__(self, rules: tuple[Rule, ...], threats: Mapping[str, Threat]) -> None:
        self.rules = rules
        self.threats = threats


def rules_of(policy: Policy) -> list[Rule]:
    """Return the rules of a policy; raises ``InputError`` for a key that no one knows."""
    first = next(iter(policy.sources), "")
    return [_rule(rule, policy.id, f"policy {policy.id}", policy.sources, first) for rule in policy.rules]


@functools.cache
def baseline() -> Baseline:
    """Return the rules of ``baseline.toml``."""
    return read_baseline(Path(__file__).with_name("baseline.toml"))


def read_baseline(path: Path) -> Baseline:
    """Read a file of rules; raises ``InputError`` with the rule and the key that is wrong."""
    table = toml_data(path)
    sources = msgspec.convert(table["sources"], dict[str, Source])

    def rules(entries: list[Any], origin: str) -> tuple[Rule, ...]:
        read = msgspec.convert(entries, list[PolicyRule], strict=False)
        return tuple(_rule(rule, origin, str(path), sources) for rule in read)

    threats = {
        entry["id"]: Threat(entry["id"], entry["doc"], rules(entry["rules"], entry["id"]))
        for entry in table["threats"]
    }
    return Baseline(rules(table["rules"], ""), threats)


def _rule(
    rule: PolicyRule, origin: str, where: str, sources: Mapping[str, Source], first: str = ""
) -> Rule:
    unknown = (rule.when.keys() - WHEN) | (set().union(*rule.require) - CONDITIONS.keys())
    if unknown:
        raise InputError(f"{where}: rule {rule.name}: unknown {', '.join(sorted(unknown))}")
    source = sources.get(rule.source or first)
    if source is None:
        raise InputError(f"{where}: rule {rule.name}: no source {rule.source!r}")
    if rule.read and rule.read not in sources:
        raise InputError(f"{where}: rule {rule.name}: read: no source {rule.read!r}")
    return Rule(rule, origin, source, sources.get(rule.read))
