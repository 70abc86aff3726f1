"""Which rules a workload brings into force."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.errors import InputError, UnknownNameError
from advisor.workload import Workload
from advisor_privacy.areas import Areas, known_areas
from advisor_privacy.rules import Policy, Rule, RuleBook, rule_book


def applicable_rules(workload: Workload, book: RuleBook | None = None) -> list[Rule]:
    """Return the rules that apply; raises ``InputError`` for a class, region or policy that no one knows."""
    book = book or rule_book()
    areas = known_areas()
    data_class = check_data_class(workload, book)
    region = areas.resolve(workload.data_region) if workload.data_region else frozenset()
    followed = followed_policies(workload, book)
    rules = [rule for rule in book.rules if _applies(rule, workload, data_class, region, followed, areas)]
    for rule in rules:
        if rule.needs_region and not region:
            raise InputError(f"workload: data_region: policy {rule.name} needs it, such as eu or germany")
    return rules


def check_data_class(workload: Workload, book: RuleBook) -> str:
    """Return the data class as the rules spell it."""
    name = _spelled(workload.data_class)
    if name not in book.data_classes:
        raise UnknownNameError("data class", workload.data_class, book.data_classes)
    return name


def followed_policies(workload: Workload, book: RuleBook | None = None) -> list[str]:
    """Return the policies that are named and those that the data bring with them."""
    book = book or rule_book()
    by_spelling = {_compact(name): name for name in book.policies}
    named = []
    for name in workload.policies:
        if _compact(name) not in by_spelling:
            raise UnknownNameError("policy", name, book.policies)
        named.append(by_spelling[_compact(name)])
    data_class = check_data_class(workload, book)
    areas = known_areas()
    region = areas.resolve(workload.data_region) if workload.data_region else frozenset()
    brought = [name for name, policy in book.policies.items() if _brings(policy, data_class, region, areas)]
    return list(dict.fromkeys([*named, *brought]))


def _brings(policy: Policy, data_class: str, region: frozenset[str], areas: Areas) -> bool:
    if data_class not in policy.data_classes:
        return False
    return not policy.data_regions or _overlap(region, policy.data_regions, areas)


def _applies(
    rule: Rule, workload: Workload, data_class: str, region: frozenset[str], followed: Iterable[str], areas: Areas
) -> bool:
    when = rule.when
    return (
        data_class in when.get("data_classes", [data_class])
        and ("data_regions" not in when or _overlap(region, when["data_regions"], areas))
        and ("policies" not in when or not set(when["policies"]).isdisjoint(followed))
        and set(when.get("without_policies", ())).isdisjoint(followed)
        and when.get("confidential", workload.confidential) == workload.confidential
        and when.get("region_given", bool(region)) == bool(region)
    )


def _overlap(region: frozenset[str], names: Iterable[str], areas: Areas) -> bool:
    return not region.isdisjoint(areas.countries(names))


def _spelled(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _compact(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
