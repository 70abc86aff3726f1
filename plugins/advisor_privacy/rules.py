"""The rules as data: when one applies, what it asks of an offer, and where it is from.

Keys of ``when`` (all must hold):

- ``data_classes``, ``data_regions``: the workload's class is among them; its region overlaps one
- ``policies``, ``without_policies``: any of them is followed; none of them is
- ``confidential``, ``region_given``: the workload asks for confidential computing; names a region

Conditions of a ``require`` entry (all must hold; any entry suffices):

- ``country_in``: the offer's country is in one of the areas; ``$data_region`` is the workload's, and
  ``$legal_area`` is that or, where it is a part of the EEA, the EEA, within which data move freely
- ``jurisdictions_within``: every country whose law reaches the provider is in one of the areas
- ``certification``, ``tenancy``: the offer has one of them; ``certification`` matches beginnings
- ``on_premises``, ``confidential``: the offer is on one's own premises; offer or device can encrypt memory
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.devices import Source
from advisor.errors import InputError
from advisor.workload import read_toml

WHEN = {"data_classes", "data_regions", "policies", "without_policies", "confidential", "region_given"}
CONDITIONS = {"country_in", "jurisdictions_within", "certification", "tenancy", "on_premises", "confidential"}
DATA_REGION = "$data_region"
LEGAL_AREA = "$legal_area"


@dataclass(frozen=True)
class Rule:
    """One rule: hard, or worth ``points``."""

    name: str
    doc: str
    clause: str
    source: Source
    when: Mapping[str, Any]
    require: tuple[Mapping[str, Any], ...]
    hard: bool = False
    points: float = 0.0

    @property
    def needs_region(self) -> bool:
        """Whether it compares with the region of the data's subjects."""
        values = [value for entry in self.require for value in entry.values()]
        return any({DATA_REGION, LEGAL_AREA}.intersection(value) for value in values if isinstance(value, list))


@dataclass(frozen=True)
class Policy:
    """A policy that a user may name; followed unasked for some data."""

    name: str
    doc: str
    data_classes: tuple[str, ...] = ()
    data_regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleBook:
    """All rules, policies and data classes of one file."""

    rules: tuple[Rule, ...]
    policies: Mapping[str, Policy]
    data_classes: tuple[str, ...]


def rule_book() -> RuleBook:
    """Return the rules of ``rules.toml``."""
    return read_rule_book(Path(__file__).with_name("rules.toml"))


@functools.cache
def read_rule_book(path: Path) -> RuleBook:
    """Read a file of rules; raises ``InputError`` with the rule and the key that is wrong."""
    document = read_toml(path)
    try:
        sources = {name: Source(**entry) for name, entry in document["sources"].items()}
        policies = {
            name: Policy(name, entry["doc"], tuple(entry.get("data_classes", ())), tuple(entry.get("data_regions", ())))
            for name, entry in document["policies"].items()
        }
        rules = tuple(_rule(path, entry, sources, policies) for entry in document["rules"])
        return RuleBook(rules, policies, tuple(document["data_classes"]))
    except KeyError as error:
        raise InputError(f"{path}: missing {error}") from None


def _rule(path: Path, entry: Mapping[str, Any], sources: Mapping[str, Source], policies: Mapping[str, Policy]) -> Rule:
    name = entry["name"]
    when, require = entry.get("when", {}), tuple(entry["require"])
    unknown = (when.keys() - WHEN) | (set().union(*require) - CONDITIONS)
    unknown |= {*when.get("policies", ()), *when.get("without_policies", ())} - policies.keys()
    if unknown:
        raise InputError(f"{path}: rule {name}: unknown {', '.join(sorted(unknown))}")
    return Rule(
        name, entry["doc"], entry["clause"], sources[entry["source"]], when, require,
        bool(entry.get("hard", False)), float(entry.get("points", 0.0)),
    )  # fmt: skip
