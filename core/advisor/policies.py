"""Policies as data: what a law, a standard or a customer demands of where and how data are processed.

Core carries them from plugins to scorers and does not know what their conditions mean.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from advisor.devices import Record
from advisor.records import Checked, NonNegativeFloat


class PolicyRule(Checked, frozen=True, kw_only=True):
    """One rule: ``hard`` (who breaks it is out) or worth ``points``.

    ``clause`` is the article or control that it is from, ``source`` the key of the policy's source, by
    default its first; ``read`` the key of the source in which the text of the clause was read, empty where
    it was not. The rule holds where every condition of any entry of ``require`` does, and is
    in force where every key of ``when`` holds. ``topic`` is what it looks at: place, provider, tenancy,
    encryption or logging.
    """

    name: str
    doc: str
    clause: str
    topic: str = "provider"
    source: str = ""
    read: str = ""
    hard: bool = False
    points: NonNegativeFloat = 0.0
    when: dict[str, Any] = field(default_factory=dict)
    require: tuple[dict[str, Any], ...]


class Policy(Record, frozen=True, kw_only=True):
    """A named set of rules that a workload follows when the user names it, or when its data bring it.

    ``data_classes`` are the classes of data that bring it unasked, of people from ``data_regions`` if that
    is not empty. ``governs`` are the classes that its rules are about; empty for all. ``includes`` names
    policies that are followed with it. ``kind`` is ``law``, ``standard`` or ``choice``.
    """

    id: str
    name: str
    kind: str = "law"
    doc: str = ""
    aliases: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    data_regions: tuple[str, ...] = ()
    governs: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
