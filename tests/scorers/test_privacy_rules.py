"""Privacy: offers that each rule lets in and keeps out, worked by hand from the laws."""

import numpy as np
import pytest
from scorer_cases import accelerator, offer, question, scored, table

from advisor.candidates import Candidates, Schema
from advisor.devices import Source
from advisor.errors import InputError
from advisor.policies import Policy, PolicyRule
from advisor.workload import Workload
from advisor_catalogs.loading import load_policies
from advisor_privacy.applicable import applicable_rules, followed_policies, laws_passed_over
from advisor_privacy.areas import known_areas
from advisor_privacy.conditions import BY_DEVICE, BY_OFFER
from advisor_privacy.rules import DATA_CLASSES, baseline, rules_of
from advisor_privacy.scorer import PrivacyScorer
from advisor_privacy.table import rule_table

GERMAN = {"country": "DE", "jurisdictions": ("DE",), "certifications": ("ISO 27001", "C5 type 2")}
AMERICAN_IN_GERMANY = {"country": "germany", "jurisdictions": ("US", "DE"), "certifications": ("iso-27001", "hipaa")}
AMERICAN = {"country": "US", "jurisdictions": ("US",), "certifications": ("soc2", "hipaa", "pci-dss")}
INDIAN = {"country": "IN", "jurisdictions": ("IN",)}
OWN = {"on_premises": True, "tenancy": "own", "term": "owned", "price_usd_per_hour": 0}


def allowed(workload, *offers, layer=0):
    return rule_table([offer(**each) for each in offers], workload, load_policies()).allowed[layer].tolist()


def asked(workload, offers, **more):
    """A question that knows the catalog's policies, as the command line asks it."""
    context = question(workload, offers, **more)
    context.find_policies = load_policies
    return context


def work(**more):
    return Workload(task="serve", **more)


def test_personal_data_of_the_eu_stay_or_go_where_adequacy_covers_them():
    workload = work(data_class="personal", data_region="eu")
    listed = {**AMERICAN, "certifications": ("eu-us-dpf",)}
    swiss, brazilian, nowhere = {"country": "Switzerland"}, {"country": "BR"}, {"country": ""}
    assert allowed(workload, GERMAN, AMERICAN_IN_GERMANY, swiss, brazilian) == [True] * 4
    assert allowed(workload, AMERICAN, INDIAN, nowhere) == [False] * 3
    assert allowed(workload, listed, OWN) == [True, True]


def test_contract_clauses_lift_the_gdpr_rule_but_not_german_health_law():
    assert allowed(work(data_class="personal", data_region="eu", policies=("scc",)), INDIAN) == [True]
    assert allowed(work(data_class="health", data_region="germany", policies=("scc",)), INDIAN) == [False]


def test_a_region_is_read_from_areas_where_the_country_is_not_given():
    workload = work(data_class="personal", data_region="eu")
    german, indian = {"areas": ("europe", "germany", "frankfurt")}, {"areas": ("asia", "india")}
    assert allowed(workload, german, indian) == [True, False]


def test_health_data_of_americans_need_a_business_associate_agreement():
    workload = work(data_class="health", data_region="us")
    assert list(followed_policies(workload, load_policies)) == ["hipaa", "us-bulk-data"]
    assert allowed(workload, AMERICAN, {"country": "US"}, OWN) == [True, False, True]
    assert allowed(work(policies=("HIPAA",)), {"country": "US"}) == [False]


def test_payment_data_need_pci_dss():
    assert allowed(work(data_class="payment"), AMERICAN, GERMAN, OWN) == [True, False, True]


def test_export_controlled_data_stay_in_the_us_on_machines_of_ones_own():
    workload = work(data_class="export-controlled")
    own_abroad = {**OWN, "country": "DE"}
    government = {"country": "US", "certifications": ("itar", "fedramp-high")}
    assert allowed(workload, AMERICAN, INDIAN, own_abroad) == [False] * 3
    assert allowed(workload, {**AMERICAN, "tenancy": "dedicated"}, {**OWN, "country": "us"}, government) == [True] * 3


def test_policies_of_residence_and_foreign_law():
    residence = work(data_region="germany", policies=("data-residency",))
    assert allowed(residence, GERMAN, AMERICAN_IN_GERMANY, {"country": "FR"}) == [True, True, False]
    sovereign = work(data_region="germany", policies=("no-foreign-access",))
    assert allowed(sovereign, GERMAN, AMERICAN_IN_GERMANY, {"country": "DE"}) == [True, False, False]
    qualified = {"country": "FR", "jurisdictions": ("FR",), "certifications": ("SecNumCloud",)}
    assert allowed(work(policies=("secnumcloud",)), qualified, GERMAN) == [True, False]


def test_public_data_may_go_anywhere_and_score_full():
    workload = work(data_class="public", data_region="eu", policies=("gdpr",))
    context = asked(workload, [offer(**INDIAN), offer(**GERMAN)])
    scores = scored(PrivacyScorer(), table(2, offer=[0, 1]), context)
    assert scores.values["privacy"][0].tolist() == [100, 100]
    assert not scores.exclusions


def test_points_are_explained_and_own_premises_score_highest():
    # Health data of Germans. All data: 20 own premises, 15 tenancy, 15 confidential, 15 audits, 15 region, 20 no
    # foreign law; GDPR: 5 guarantees, 5 keys, 5 log, 10 foreign orders, 5 in use: 130 within reach.
    # The German cloud has 15 audits + 15 region + 20 + 10 law; the American one in Germany 15 + 15.
    workload = work(data_class="health", data_region="germany")
    offers = [offer(**each) for each in (OWN, GERMAN, AMERICAN_IN_GERMANY, INDIAN)]
    scores = scored(PrivacyScorer(), table(5, offer=[0, 1, 2, 3, -1]), asked(workload, offers))
    points = scores.values["privacy"][0]
    assert points[:3] == pytest.approx([100, 100 * 60 / 130, 100 * 30 / 130])
    assert np.isnan(points[4])
    assert any(line.startswith("no-foreign-law") and "2713" in line for line in scores.parts["privacy"])
    out = {reason.split(":")[0]: mask.tolist() for mask, reason in scores.exclusions}
    assert out["privacy rule gdpr-transfer"] == [False, False, False, True, False]
    assert out["privacy rule germany-health-c5"] == [False, False, True, True, False]
    assert "GDPR Art. 44" in next(reason for _, reason in scores.exclusions if "gdpr-transfer" in reason)


def test_within_the_eea_no_member_is_foreign():
    french = {"country": "FR", "jurisdictions": ("FR",)}
    workload = work(data_class="personal", data_region="germany")
    met = rule_table([offer(**french), offer(**AMERICAN_IN_GERMANY)], workload, load_policies())
    points = dict(zip(met.names, met.met[0].tolist(), strict=True))
    assert points["home-region"] == [True, True]
    assert points["no-foreign-law"] == [True, False]
    assert allowed(work(data_region="germany", policies=("data-residency",)), french) == [False]


def test_confidential_computing_is_the_offers_or_of_a_device_on_ones_own_premises():
    workload = work(confidential=True)
    confidential, bare, own = {"confidential_computing": True}, {"tenancy": "bare-metal"}, OWN
    assert allowed(workload, {}, confidential, bare, own) == [False] * 4  # not switched on
    assert allowed(workload, {}, confidential, bare, own, layer=BY_OFFER) == [False, True, False, False]
    assert allowed(workload, {}, confidential, bare, own, layer=BY_DEVICE) == [False, True, False, True]


def rows_with(confidential, offers):
    rows = Candidates(len(confidential), Schema(PrivacyScorer().columns))
    rows["offer"] = np.array(offers)
    rows["confidential"] = np.array(confidential)
    return rows


def test_confidential_computing_must_be_switched_on_and_offered():
    offers = [offer(), offer(confidential_computing=True)]
    device = accelerator(confidential_computing=True)
    context = asked(work(confidential=True), offers, device=device)
    scores = PrivacyScorer().score(rows_with([True, False, True, True], [1, 1, 0, -1]), context)
    out = {reason.split(":")[0]: mask.tolist() for mask, reason in scores.exclusions}
    assert out["privacy rule confidential-computing-asked"] == [False, True, True, False]
    assert out["confidential computing is not offered here"] == [False, False, True, False]


def test_each_threat_demands_what_its_source_asks_for():
    shared, alone = {"tenancy": "shared"}, {"tenancy": "dedicated"}
    encrypted = {"confidential_computing": True}
    edge = {**OWN, "tenancy": "edge"}
    tenant = work(threat=("co-tenant",))
    assert allowed(tenant, shared, alone, OWN, encrypted) == [False, True, True, False]
    assert allowed(tenant, encrypted, layer=BY_OFFER) == [True]
    operator = work(threat=("operator",))
    assert allowed(operator, alone, OWN, encrypted) == [False, True, False]
    assert allowed(operator, encrypted, layer=BY_OFFER) == [True]
    foreign = work(threat=("foreign-access",), data_region="germany")
    assert allowed(foreign, GERMAN, AMERICAN_IN_GERMANY, OWN) == [True, False, True]
    assert allowed(foreign, {**AMERICAN_IN_GERMANY, **encrypted}, layer=BY_OFFER) == [False]  # EDPB, use case 6
    theft = work(threat=("model-theft",))
    assert allowed(theft, shared, alone, OWN, edge) == [False, True, True, False]
    assert allowed(theft, edge, layer=BY_DEVICE) == [True]
    everything = work(threat=("co-tenant", "operator", "foreign-access", "model-theft"), data_region="germany")
    assert allowed(everything, OWN, GERMAN) == [True, False]


def test_encryption_and_logging_are_asked_of_the_provider():
    keys, logs = {"encryption": ("customer-keys",)}, {"logging": ("audit-log",)}
    assert allowed(work(policies=("customer-keys",)), keys, logs, OWN) == [True, False, True]
    assert allowed(work(policies=("audit-log",)), keys, logs) == [False, True]
    assert allowed(work(policies=("external-keys",)), keys, {"encryption": ("external-keys",)}) == [False, True]
    health = work(data_class="health", data_region="us")
    table = rule_table([offer(**AMERICAN), offer(**{**AMERICAN, **keys, **logs})], health, load_policies())
    assert table.score[0, 1] - table.score[0, 0] == pytest.approx(100 * 20 / table.points.sum())


def test_us_bulk_data_stay_out_of_countries_of_concern():
    workload = work(data_class="health", data_region="us")
    chinese = {"country": "SG", "jurisdictions": ("CN", "SG"), "certifications": ("hipaa",)}
    assert allowed(workload, chinese, {**chinese, "jurisdictions": ("SG",)}) == [False, True]


@pytest.mark.parametrize(("region", "country"), [
    ("russia", "RU"), ("saudi arabia", "SA"), ("turkey", "TR"), ("kazakhstan", "KZ"), ("china", "CN"),
    ("vietnam", "VN"), ("thailand", "TH"), ("nigeria", "NG"), ("kenya", "KE"), ("uae", "AE"),
])  # fmt: skip
def test_laws_of_residence_keep_data_at_home(region, country):
    workload = work(data_class="personal", data_region=region)
    assert allowed(workload, {"country": country}, {"country": "US"}, OWN) == [True, False, True]


def test_a_policy_brings_those_that_it_includes():
    followed = followed_policies(work(policies=("germany-health",)), load_policies)
    assert list(followed) == ["germany-health", "gdpr"]


def test_policies_are_not_read_for_data_that_none_is_about():
    def never():
        raise AssertionError("policies were read")

    assert applicable_rules(work(), never)
    assert applicable_rules(work(threat=("operator",), data_region="eu"), never)


def test_a_third_partys_policy_is_followed():
    source = {"house": Source(title="house rules", date="2026-01-01")}
    rule = PolicyRule(name="no-p", doc="not of this provider", clause="1", hard=True, require=({"provider": ["q"]},))
    house = Policy(id="house", name="House rules", rules=(rule,), sources=source)
    table = rule_table([offer(), offer(provider="q")], work(policies=("house",)), [house])
    assert table.allowed[0].tolist() == [False, True]


@pytest.mark.parametrize(("fields", "message"), [
    ({"data_class": "helth"}, "did you mean health"),
    ({"policies": ("gdrp",)}, "did you mean gdpr"),
    ({"data_region": "germny"}, "did you mean germany"),
    ({"policies": ("data-residency",)}, "data_region"),
    ({"threat": ("foreign-access",)}, "data_region"),
    ({"threat": ("operater",)}, "did you mean operator"),
])  # fmt: skip
def test_unknown_words_are_refused_with_a_hint(fields, message):
    context = asked(work(**fields), [offer()])
    with pytest.raises(InputError, match=message):
        PrivacyScorer().objectives(context)


def test_every_policy_is_about_known_classes_areas_and_conditions():
    areas = known_areas()
    for policy in load_policies():
        assert {*policy.data_classes, *policy.governs} <= {*DATA_CLASSES}, policy.id
        for place in policy.data_regions:
            assert areas.resolve(place)
        for rule in rules_of(policy):
            for entry in rule.require:
                for condition, names in entry.items():
                    if condition.startswith(("country", "jurisdictions")):
                        assert all(name.startswith("$") or areas.resolve(name) for name in names), rule.name


def test_every_rule_can_apply_and_some_offer_meets_it():
    policies = load_policies()
    lifts = {name for policy in policies for rule in policy.rules for name in rule.when.get("without_policies", ())}
    asked_for = tuple(policy.id for policy in policies if policy.id not in lifts)
    every = {"threat": tuple(baseline().threats), "confidential": True, "data_region": "germany"}
    rules = {rule.name: rule for data_class in DATA_CLASSES
             for rule in applicable_rules(work(data_class=data_class, policies=asked_for, **every), lambda: policies)}
    rules |= {rule.name: rule for rule in applicable_rules(work(policies=tuple(lifts)), lambda: policies)}
    known = {rule.name for policy in policies for rule in policy.rules}
    known |= {rule.name for rule in baseline().rules}
    known |= {rule.name for threat in baseline().threats.values() for rule in threat.rules}
    assert rules.keys() == known


def test_areas_nest():
    areas = known_areas()
    assert areas.resolve("EU") < areas.resolve("eea") < areas.resolve("Europe")
    assert len(areas.resolve("eu")) == 27
    assert "US" not in areas.resolve("eu-adequate")


def test_a_rule_that_no_one_understands_is_refused_not_passed_over():
    rule = PolicyRule(name="r", doc="d", clause="c", hard=True, require=({"moon": True},))
    policy = Policy(id="p", name="P", rules=(rule,), sources={"s": Source(title="t", date="2026-01-01")})
    with pytest.raises(InputError, match=r"policy p: rule r: unknown moon"):
        rule_table([offer()], work(policies=("p",)), [policy])


def test_german_care_takes_an_attestation_of_type_2_alone():
    workload = work(data_class="health", data_region="germany")
    kinds = [{**GERMAN, "certifications": (name,)} for name in ("C5 type 2", "C5 type 1", "C5", "ISO 27001")]
    assert allowed(workload, *kinds) == [True, False, False, False]
    assert allowed(work(data_class="health", data_region="germany", policies=("c5",)), kinds[1]) == [False]
    assert allowed(work(policies=("c5",)), *kinds) == [True, True, True, False]


def test_medical_records_of_koreans_stay_in_korea_whatever_contract_there_is():
    workload = work(data_class="health", data_region="south korea", policies=("scc",))
    assert allowed(workload, {"country": "KR"}, {"country": "DE"}, OWN) == [True, False, True]
    assert allowed(work(data_class="personal", data_region="south korea"), {"country": "DE"}) == [True]


def test_sensitive_data_of_nobody_in_particular_are_warned_of():
    passed = laws_passed_over(work(data_class="health"), load_policies)
    assert "data_region is not given" in passed
    assert "hipaa" in passed
    assert laws_passed_over(work(data_class="health", data_region="us"), load_policies) == ""
    assert laws_passed_over(work(data_class="internal"), load_policies) == ""
    warned = asked(work(data_class="personal"), [offer(**GERMAN)])
    PrivacyScorer().objectives(warned)
    assert [line for line in warned.warnings if "data_region is not given" in line]
