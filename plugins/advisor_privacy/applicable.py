"""Which policies a workload follows, and which rules that brings into force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from advisor.errors import InputError, UnknownNameError
from advisor.policies import Policy
from advisor.workload import Workload
from advisor_privacy.areas import Areas, known_areas
from advisor_privacy.conditions import compact, spelled
from advisor_privacy.rules import DATA_CLASSES, SENSITIVE, Rule, Threat, baseline, rules_of

Policies = Callable[[], Iterable[Policy]]


def applicable_rules(workload: Workload, policies: Policies) -> list[Rule]:
    """Return the rules in force; raises ``InputError`` for a class, region, policy or threat that no one knows.

    ``policies`` is called only where the workload may follow one.
    """
    areas = known_areas()
    data_class = check_data_class(workload)
    region = areas.resolve(workload.data_region) if workload.data_region else frozenset()
    followed = followed_policies(workload, policies)
    rules: list[Rule] = []
    for policy in followed.values():
        if not policy.governs or data_class in policy.governs:
            rules += rules_of(policy)
    for threat in threats_of(workload):
        rules += threat.rules
    own = baseline().rules
    rules += own if data_class != "public" else [rule for rule in own if rule.hard]
    rules = [rule for rule in rules if _in_force(rule, workload, data_class, region, followed, areas)]
    for rule in rules:
        if rule.needs_region and not region:
            raise InputError(f"workload: data_region: {rule.origin or rule.name} needs it, such as eu or germany")
    return rules


def check_data_class(workload: Workload) -> str:
    """Return the data class as the rules spell it."""
    name = spelled(workload.data_class)
    if name not in DATA_CLASSES:
        raise UnknownNameError("data class", workload.data_class, DATA_CLASSES)
    return name


def threats_of(workload: Workload) -> list[Threat]:
    """Return the threats that the workload names."""
    known = baseline().threats
    answer: dict[str, Threat] = {}
    for name in workload.threat:
        if spelled(name) not in known:
            raise UnknownNameError("threat", name, known)
        answer[spelled(name)] = known[spelled(name)]
    return list(answer.values())


def followed_policies(workload: Workload, policies: Policies) -> Mapping[str, Policy]:
    """Return the policies that are named, that the data bring with them, and that those include, by id."""
    data_class = check_data_class(workload)
    if not workload.policies and data_class not in SENSITIVE:
        return {}
    known = list(policies())
    by_name = {compact(name): policy for policy in known for name in policy.aliases}
    by_name |= {compact(policy.id): policy for policy in known}
    areas = known_areas()
    region = areas.resolve(workload.data_region) if workload.data_region else frozenset()
    waiting = [_named(name, by_name) for name in workload.policies]
    waiting += [policy for policy in known if _brings(policy, data_class, region, areas)]
    followed: dict[str, Policy] = {}
    while waiting:
        policy = waiting.pop(0)
        if policy.id not in followed:
            followed[policy.id] = policy
            waiting += [_named(name, by_name) for name in policy.includes]
    return followed


def laws_passed_over(workload: Workload, policies: Policies) -> str:
    """Return a sentence on the laws that depend on whose data they are, where that was not said; else nothing."""
    data_class = check_data_class(workload)
    if workload.data_region or data_class not in SENSITIVE:
        return ""
    named = set(followed_policies(workload, policies))
    laws = [policy.id for policy in policies()
            if data_class in policy.data_classes and policy.data_regions and policy.id not in named]  # fmt: skip
    if not laws:
        return ""
    some = ", ".join(laws[:4])
    return (f"privacy: data_region is not given, so that {len(laws)} laws that depend on whose data they are ({some} "
            f"...) were not applied: name it, as with --data-region germany")  # fmt: skip


def _named(name: str, by_name: Mapping[str, Policy]) -> Policy:
    found = by_name.get(compact(name))
    if found is None:
        raise UnknownNameError("policy", name, [policy.id for policy in by_name.values()])
    return found


def _brings(policy: Policy, data_class: str, region: frozenset[str], areas: Areas) -> bool:
    if data_class not in policy.data_classes:
        return False
    return not policy.data_regions or _overlap(region, policy.data_regions, areas)


def _in_force(
    rule: Rule, workload: Workload, data_class: str, region: frozenset[str], followed: Mapping[str, Policy],
    areas: Areas,
) -> bool:  # fmt: skip
    when = rule.data.when
    return (
        data_class in when.get("data_classes", [data_class])
        and ("data_regions" not in when or _overlap(region, when["data_regions"], areas))
        and ("policies" not in when or not followed.keys().isdisjoint(when["policies"]))
        and followed.keys().isdisjoint(when.get("without_policies", ()))
        and when.get("confidential", workload.confidential) == workload.confidential
        and when.get("region_given", bool(region)) == bool(region)
    )


def _overlap(region: frozenset[str], names: Sequence[str], areas: Areas) -> bool:
    return not region.isdisjoint(areas.countries(names))
