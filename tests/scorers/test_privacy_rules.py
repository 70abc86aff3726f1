"""Privacy: offers that each rule lets in and keeps out, worked by hand from the laws."""

import numpy as np
import pytest
from scorer_cases import accelerator, offer, question, scored, table

from advisor.errors import InputError
from advisor.workload import Workload
from advisor_privacy.applicable import applicable_rules, followed_policies
from advisor_privacy.areas import known_areas
from advisor_privacy.rules import CONDITIONS, read_rule_book, rule_book
from advisor_privacy.scorer import PrivacyScorer
from advisor_privacy.table import _CONDITIONS, rule_table

GERMAN = {"country": "DE", "jurisdictions": ("DE",), "certifications": ("ISO 27001", "C5 type 2")}
AMERICAN_IN_GERMANY = {"country": "germany", "jurisdictions": ("US", "DE"), "certifications": ("iso-27001", "hipaa")}
AMERICAN = {"country": "US", "jurisdictions": ("US",), "certifications": ("soc2", "hipaa", "pci-dss")}
INDIAN = {"country": "IN", "jurisdictions": ("IN",)}
OWN = {"on_premises": True, "tenancy": "own", "term": "owned", "price_usd_per_hour": 0}


def allowed(workload, *offers):
    return rule_table([offer(**each) for each in offers], workload).allowed[0].tolist()


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
    assert followed_policies(workload) == ["hipaa"]
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
    context = question(workload, [offer(**INDIAN), offer(**GERMAN)])
    scores = scored(PrivacyScorer(), table(2, offer=[0, 1]), context)
    assert scores.values["privacy"][0].tolist() == [100, 100]
    assert not scores.exclusions


def test_points_are_explained_and_own_premises_score_highest():
    # Health data of Germans: 20 own premises, 15 tenancy, 15 confidential, 15 audits, 5 personal data,
    # 15 region, 20 no foreign law, 15 C5: 120 within reach. The German cloud has 15 + 15 + 20 + 15.
    workload = work(data_class="health", data_region="germany")
    offers = [offer(**each) for each in (OWN, GERMAN, AMERICAN_IN_GERMANY, INDIAN)]
    scores = scored(PrivacyScorer(), table(5, offer=[0, 1, 2, 3, -1]), question(workload, offers))
    points = scores.values["privacy"][0]
    assert points[:3] == pytest.approx([100, 100 * 65 / 120, 100 * 30 / 120])
    assert np.isnan(points[4])
    assert any(line.startswith("no-foreign-law") and "2713" in line for line in scores.parts["privacy"])
    out = {reason.split(":")[0]: mask.tolist() for mask, reason in scores.exclusions}
    assert out["privacy rule gdpr-transfer"] == [False, False, False, True, False]
    assert "GDPR Art. 44" in scores.exclusions[0][1]


def test_within_the_eea_no_member_is_foreign():
    french = {"country": "FR", "jurisdictions": ("FR",)}
    workload = work(data_class="personal", data_region="germany")
    met = rule_table([offer(**french), offer(**AMERICAN_IN_GERMANY)], workload)
    points = dict(zip(met.names, met.met[0].tolist(), strict=True))
    assert points["home-region"] == [True, True]
    assert points["no-foreign-law"] == [True, False]
    assert allowed(work(data_region="germany", policies=("data-residency",)), french) == [False]


def test_confidential_computing_may_be_the_devices_or_the_offers():
    workload = work(confidential=True)
    offers = [offer(), offer(confidential_computing=True)]
    rows = table(3, offer=[0, 1, -1])
    for encrypts, out in ((False, [True, False, True]), (True, [False, False, False])):
        context = question(workload, offers, device=accelerator(confidential_computing=encrypts))
        exclusions = scored(PrivacyScorer(), rows, context).exclusions
        assert (exclusions[0][0].tolist() if exclusions else [False] * 3) == out


@pytest.mark.parametrize(("fields", "message"), [
    ({"data_class": "helth"}, "did you mean health"),
    ({"policies": ("gdrp",)}, "did you mean gdpr"),
    ({"data_region": "germny"}, "did you mean germany"),
    ({"policies": ("data-residency",)}, "data_region"),
])  # fmt: skip
def test_unknown_words_are_refused_with_a_hint(fields, message):
    context = question(work(**fields), [offer()])
    with pytest.raises(InputError, match=message):
        PrivacyScorer().objectives(context)


def test_every_rule_can_apply_and_has_a_source():
    book = rule_book()
    reached = set()
    for data_class in book.data_classes:
        for region in ("germany", "france", "uk", "us", "brazil", "china"):
            for policy in [(), *((name,) for name in book.policies if name != "scc")]:
                workload = work(data_class=data_class, data_region=region, policies=policy, confidential=True)
                reached |= {rule.name for rule in applicable_rules(workload)}
    assert reached == {rule.name for rule in book.rules}
    assert all(rule.source.title and rule.clause for rule in book.rules)
    assert all(rule.hard != bool(rule.points) for rule in book.rules)
    assert _CONDITIONS.keys() == CONDITIONS


def test_areas_nest():
    areas = known_areas()
    assert areas.resolve("EU") < areas.resolve("eea") < areas.resolve("Europe")
    assert len(areas.resolve("eu")) == 27
    assert "US" not in areas.resolve("eu-adequate")


def test_a_wrong_rule_file_is_named(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(
        'data_classes = ["public"]\n[policies]\n[sources.s]\ntitle = "t"\ndate = 2026-01-01\n'
        '[[rules]]\nname = "r"\ndoc = "d"\nclause = "c"\nsource = "s"\nhard = true\nrequire = [{moon = true}]\n'
    )
    with pytest.raises(InputError, match=r"rule r: unknown moon"):
        read_rule_book(path)
