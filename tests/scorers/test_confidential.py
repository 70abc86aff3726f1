"""Confidential computing: what it costs, where it works, and that it is tried only where it is asked for."""

import json

import numpy as np
import pytest
from scorer_cases import accelerator, node, offer, question

from advisor.candidates import Candidates, Schema
from advisor.cli.main import cli
from advisor.estimating import slow_down
from advisor.workload import Workload
from advisor_catalogs.loading import load_offers
from advisor_privacy.confidential import ConfidentialComputing

TECHNIQUE = ConfidentialComputing()


def applied(workload, device, count=1, nodes=1, offers=(), **system):
    context = question(workload, list(offers) or [offer()], device=device, system=node(device_count=count, **system))
    rows = Candidates(1, Schema(TECHNIQUE.columns))
    rows["device_count"] = np.array([count * nodes], dtype=np.int32)
    rows["nodes"] = np.array([nodes], dtype=np.int32)
    refused = [reason for mask, reason in TECHNIQUE.apply(rows, "", context) if np.asarray(mask).any()]
    return rows, refused


def gpu(family, **more):
    return accelerator(family=family, confidential_computing=True, **more)


@pytest.mark.parametrize(("family", "task", "loss"), [
    ("Hopper", "serve", 0.06), ("Blackwell", "serve", 0.13), ("Blackwell", "train", 0.25), ("Hopper", "train", 0.25),
])  # fmt: skip
def test_published_losses(family, task, loss):
    rows, refused = applied(Workload(task=task), gpu(family))
    assert refused == []
    assert 1 / rows["slowdown"][0] == pytest.approx(1 - loss)
    assert rows["slowdown_low"][0] <= rows["slowdown"][0] <= rows["slowdown_high"][0]
    assert rows["confidential"].all()


def test_where_it_does_not_work():
    assert applied(Workload(), accelerator())[1] == ["the device cannot encrypt its memory"]
    assert applied(Workload(), gpu("Hopper"), count=4)[1] == ["so many of the device do not work under it"]
    assert applied(Workload(), gpu("Hopper"), count=8)[1] == []
    assert applied(Workload(), gpu("Blackwell"), count=4)[1] == []
    assert "traffic between nodes would not be encrypted" in applied(Workload(), gpu("Blackwell"), 8, nodes=2)[1]


def test_it_is_tried_only_where_it_is_asked_for():
    def tried(**fields):
        return TECHNIQUE.settings(question(Workload(**fields), [offer()]))

    assert tried() == ()
    assert tried(threat=("foreign-access",)) == ()
    assert tried(threat=("operator",)) == tried(confidential=True) == tried(techniques=("tee",)) == ("",)
    assert not TECHNIQUE.required(question(Workload(threat=("operator",)), [offer()]))
    assert TECHNIQUE.required(question(Workload(confidential=True), [offer()]))


def test_a_slowdown_stretches_every_time_and_keeps_the_parts_of_a_step():
    rows = Candidates(1, Schema())
    rows["time_memory"], rows["time_host"] = 0.75, 0.25
    for name, value in (("step_time", 1.0), ("time_to_first_token", 2.0), ("samples_per_s", 10.0)):
        rows.set_interval(name, value, 0.5 * value, 2 * value)
    rows["slowdown"], rows["slowdown_low"], rows["slowdown_high"] = 1.25, 1.0, 1.5
    slow_down(rows)
    assert rows["step_time"][0] == rows["time_memory"][0] + rows["time_host"][0] == 1.25
    assert (rows["time_to_first_token"][0], rows["samples_per_s"][0]) == (2.5, 8.0)
    assert (rows["step_time.low"][0], rows["step_time.high"][0]) == (0.5, 3.0)
    assert (rows["samples_per_s.low"][0], rows["samples_per_s.high"][0]) == pytest.approx((10 * 0.5 / 1.5, 20.0))


def ranked(run, *options):
    return json.loads(run("rank", "meta-llama/Llama-3.1-8B", "--kind", "gpu", "--json", *options).output)


def test_rank_with_confidential_computing_names_the_technique_and_takes_its_loss(run):
    answer = ranked(run, "--confidential", "--limit", "0")
    found = [one for one in answer["candidates"] if one["feasible"]]
    assert found
    assert {one["recipe"]["isolation"] for one in found} == {"confidential_computing"}
    confidential = {offer.provider for offer in load_offers() if offer.confidential_computing}
    assert {one["offer"]["provider"] for one in found} <= confidential


def test_privacy_matrix_names_rules_clauses_and_what_is_broken(run):
    answer = json.loads(run("privacy", "--data-class", "health", "--data-region", "germany", "--json").output)
    assert [policy["id"] for policy in answer["policies"]] == ["gdpr", "germany-health"]
    rules = {rule["name"]: rule for rule in answer["rules"]}
    assert rules["germany-health-c5"]["hard"]
    assert "393" in rules["germany-health-c5"]["clause"]
    by_provider = {}
    for group in answer["offers"]:
        by_provider.setdefault(group["provider"], []).append(group)
    assert all(group["broken"] == ["germany-health-c5"] for group in by_provider["hetzner"])
    assert all(group["allowed"] == "yes" for group in by_provider["ovh"] if group["country"] in ("DE", "FR", "PL"))
    assert "not legal advice" in answer["notice"]


def test_privacy_table_counts_offers_and_says_that_it_is_no_legal_advice(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")  # room for every column
    text = run("privacy", "--policy", "hipaa", "--region", "us", "--limit", "3").output
    assert "hipaa-business-associate" in text
    assert "45 CFR 164.308(b)" in text
    assert "not legal advice" in text
    total = json.loads(run("privacy", "--policy", "hipaa", "--region", "us", "--json").output)["offers"]
    assert f"of {sum(len(group['offers']) for group in total)} offers meet every hard rule" in text


def test_privacy_as_csv_has_a_column_a_rule(run):
    head, *rows = run("privacy", "--policy", "soc-2", "--region", "eu", "--each", "--csv").output.splitlines()
    assert "met.soc-2-report" in head
    assert len(rows) > 20


def test_wrong_names_are_one_line(run):
    done = run("privacy", "--threat", "operater")
    assert done.exit_code == 2
    assert "did you mean operator" in done.stderr


@pytest.fixture
def run():
    from click.testing import CliRunner

    return lambda *words: CliRunner().invoke(cli, words)
