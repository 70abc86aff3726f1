"""Every pair of techniques, both ways: legal exactly where one framework runs both and neither excludes the other."""

import itertools

import numpy as np
import pytest

from advisor import Advisor, InputError
from advisor.expand import make_schema, start_rows
from advisor.recipes import Choices, Combinations, apply_techniques

LLAMA = "meta-llama/Llama-3.1-8B"


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


@pytest.fixture(scope="module")
def one_of_each_family(advisor):
    """A device of each family that has an offer, alone in its system."""
    context = advisor.rank(LLAMA, task="serve", concurrency=1).context
    families = {}
    for place, system in enumerate(context.system_list):
        device = context.device_list[context.systems.device[place]]
        if system.device_count == 1:
            families.setdefault((device.vendor, device.family), place)
    return np.array(list(families.values()))


def rows_of(advisor, context, names, places):
    """Devices on which the engine keeps a recipe of the named techniques."""
    context.workload = context.workload.replace(techniques=tuple(names), allow_unrated=True)
    techniques = advisor.registry.techniques
    rows = start_rows(context, make_schema(techniques, []), places, np.ones(len(places), dtype=int))
    owners = {technique.name: "" for technique in techniques}
    try:
        tables = list(apply_techniques(rows, techniques, owners, context, Choices()))
    except InputError:
        return set()
    return {device for table in tables for device in table["device"].tolist()}


def representatives(advisor, legality):
    """One technique of each slot and legality: those that run on the same devices and exclude the same are alike."""
    seen = {}
    for technique in advisor.registry.techniques:
        if technique.stage not in ("structure", "formats", "adaptation"):
            continue
        key = (technique.slot, legality.of(technique.name).tobytes(), tuple(technique.excludes), tuple(technique.needs))
        seen.setdefault(key, technique)
    return list(seen.values())


def test_every_pair_both_ways(advisor, one_of_each_family):
    context = advisor.rank(LLAMA, task="serve", concurrency=1).context
    legality = context.legality
    chosen = representatives(advisor, legality)
    assert len(chosen) >= 20
    alone = {technique.name: rows_of(advisor, context, [technique.name], one_of_each_family) for technique in chosen}
    combined = Combinations(advisor.registry.techniques, {})
    refused = 0
    for first, second in itertools.combinations(chosen, 2):
        if first.slot == second.slot:
            continue
        one = rows_of(advisor, context, [first.name, second.name], one_of_each_family)
        other = rows_of(advisor, context, [second.name, first.name], one_of_each_family)
        assert one == other, (first.name, second.name)
        together = (legality.of(first.name) & legality.of(second.name) & legality.start()) != 0
        assert all(together[device] for device in one), (first.name, second.name)
        if not (first.needs or second.needs):
            assert one <= alone[first.name] & alone[second.name], (first.name, second.name)
        if combined.exclude(first.name, second.name):
            assert not one
        refused += not one
    assert refused > 20  # GGUF weights with vLLM's cache, sparse kernels with 4-bit weights ...


def test_exclusion_holds_whoever_declares_it(advisor):
    combined = Combinations(advisor.registry.techniques, {})
    names = [technique.name for technique in advisor.registry.techniques]
    for first, second in itertools.product(names, names):
        assert combined.exclude(first, second) == combined.exclude(second, first)
