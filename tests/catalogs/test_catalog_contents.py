"""What the built-in catalogs hold: enough, without repeats, every reference known, every figure with a source."""

from datetime import date
from pathlib import Path

import pytest

from advisor_catalogs import loading
from advisor_catalogs.check import check_catalogs, source_problems
from advisor_catalogs.counts import CONTINENTS, catalog_counts
from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_records, load_systems

TODAY = date(2026, 11, 25)


def test_check_finds_nothing():
    assert check_catalogs(today=TODAY) == []


def test_counts():
    counts = catalog_counts()
    assert counts["entries"]["devices"] >= 150
    assert counts["entries"]["systems"] >= 60
    assert counts["entries"]["offers"] >= 800
    assert counts["entries"]["grids"] >= 100
    assert set(counts["devices by kind"]) == {"cpu", "gpu", "tpu"}
    assert counts["devices by kind"]["cpu"] >= 50
    assert len(counts["devices by vendor"]) >= 4
    assert len(counts["offers by provider"]) >= 20
    assert set(counts["offers by term"]) == {"on-demand", "spot", "reserved-1y", "reserved-3y", "owned"}
    assert len(counts["offers by continent"]) >= 3
    assert sum(counts["regions"].values()) >= 60
    assert sum(offer.on_premises for offer in load_offers()) >= 12


def test_the_readme_gives_the_counts_that_there_are():
    text = (Path(__file__).parents[2] / "catalogs" / "README.md").read_text("utf-8")
    counts = catalog_counts()
    entries, providers = counts["entries"], len(counts["offers by provider"])
    assert f"one file a family | {entries['devices']} |" in text
    assert f"| {entries['systems written down']}, and one for each" in text
    assert f"has purchase prices | {entries['offers']} in {providers} |" in text
    assert f"region to place, country and grid | {entries['regions']} |" in text
    assert f"by region, provider and area | {entries['facilities']} |" in text
    assert f"a price of electricity | {entries['grids']} |" in text
    assert f"over the year's mean | {entries['grids whose day is known']} |" in text
    rules = entries["rules of policies"]
    assert f"| {entries['policies']} with {rules} rules |" in text


@pytest.mark.parametrize("kind", loading.KINDS)
def test_every_figure_has_a_source_and_a_date(kind):
    for record in load_records(kind):
        assert list(source_problems(record)) == [], record.id
        assert all(date(2000, 1, 1) < source.date <= TODAY for source in record.sources.values()), record.id
        assert all(source.title for source in record.sources.values()), record.id


def test_rules_whose_clause_was_read_say_where_and_are_the_most_of_those_that_bind():
    policies = load_records("policy")
    read = {(policy.id, rule.name) for policy in policies for rule in policy.rules if rule.read}
    for policy in policies:
        for rule in policy.rules:
            if rule.read:
                assert policy.sources[rule.read].date >= date(2025, 1, 1)
    assert len(read) >= 55
    bound = {policy.id for policy in policies for rule in policy.rules if rule.hard and rule.read}
    assert {"gdpr", "germany-health", "hipaa", "pci-dss", "dora", "hds", "secnumcloud", "cjis", "pipl", "lgpd"} <= bound


@pytest.mark.parametrize("kind", ["device", "system", "offer", "grid", "provider", "policy"])
def test_ids_are_unique(kind):
    ids = [record.id for record in load_records(kind)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("load", [load_devices, load_systems])
def test_a_name_means_one_entry(load):
    meaning = {}
    for record in load():
        for name in {record.id, *record.aliases}:
            assert meaning.setdefault(name.lower(), record.id) == record.id


def test_references_are_known():
    devices = {device.id for device in load_devices()}
    systems = {system.id for system in load_systems()}
    grids = load_grids()
    providers = {provider.id for provider in load_records("provider")}
    assert {system.device for system in load_systems()} <= devices
    for offer in load_offers():
        assert offer.system in systems
        assert offer.provider in providers
        assert not offer.grid or offer.grid in grids


def test_an_offer_says_where_it_is_and_whose_law_reaches_it():
    offers = {offer.id: offer for offer in load_offers()}
    frankfurt = offers["aws/p4d.24xlarge/eu-central-1/on-demand"]
    assert frankfurt.country == "DE"
    assert {"eu", "eea", "europe", "germany", "de", "eu-central-1", "frankfurt"} <= set(frankfurt.areas)
    assert set(frankfurt.jurisdictions) == {"US", "DE"}
    assert {"iso27001", "c5-type2", "hds"} <= set(frankfurt.certifications)
    assert frankfurt.pue == 1.35
    london = next(offer for offer in offers.values() if offer.country == "GB")
    assert "eu" not in london.areas
    for offer in offers.values():
        assert offer.on_premises or len(set(offer.areas) & set(CONTINENTS)) == 1, offer.id


def test_owned_hardware_is_anywhere_and_has_a_purchase_price():
    owned = [offer for offer in load_offers() if offer.on_premises]
    for offer in owned:
        assert offer.term == "owned"
        assert offer.tenancy == "own"
        assert {"any", "on-premises"} <= set(offer.areas)
        assert offer.purchase_usd
        assert offer.price_usd_per_hour is None


def test_systems_that_offers_name_by_count_are_made():
    systems = {system.id: system for system in load_systems()}
    made = systems["8xnvidia-h100-sxm-80gb"]
    assert (made.device, made.device_count, made.max_nodes) == ("nvidia-h100-sxm-80gb", 8, 1)
    assert made.link.bandwidth_gb_per_s == 450
    assert systems["1xnvidia-l4-24gb"].link is None
