"""Fleets against answers worked out by hand, and the command as a user sees it."""

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from fleet_toy import Shop

pytest.importorskip("scipy")

from advisor import Advisor, InputError
from advisor.cli.main import cli
from advisor.cli.session import Session
from advisor_fleet import make_fleet, plan_fleet

EU = {"region": "eu", "max_load": 1.0}


@pytest.fixture(scope="module")
def shop():
    return Advisor(plugins=[Shop()], discover=False)


def plan(shop, *workloads, what_if=False, **rules):
    defaults = {"model": "counted/one", "region": "eu"}
    document = {"max_load": 1.0, "workload": [{**defaults, **each} for each in workloads], **rules}
    return plan_fleet(shop, make_fleet(document), what_if)


def units(found):
    """Device to the most units at any hour."""
    answer = {}
    for item in found.to_dict()["deployments"]:
        answer[item["device"]] = answer.get(item["device"], 0) + max(item["units_by_hour"])
    return answer


def test_a_mix_beats_either_kind(shop):
    found = plan(shop, {"request_rate": 115})
    assert units(found) == {"small": 2, "large": 1}
    assert found.cost_per_month == pytest.approx(6 * 730)
    assert found.single_kinds[0].device == "large"
    assert found.saving == pytest.approx(1 - 6 / 8)


def test_headroom_is_kept_as_a_ranking_does(shop):
    assert units(plan(shop, {"request_rate": 8})) == {"small": 1}
    assert units(plan(shop, {"request_rate": 8.1}, max_load=0.8)) == {"small": 2}


def test_the_cheaper_region_unless_rules_forbid(shop):
    assert plan(shop, {"request_rate": 8, "region": "us"}).cost_per_month == pytest.approx(365)
    found = plan(shop, {"request_rate": 8}, what_if=True)
    assert found.cost_per_month == pytest.approx(730)
    region = next(item for item in found.binding if item.rule == "region")
    assert region.binds
    assert region.value == pytest.approx(0.5)


def test_small_models_share_a_system_where_memory_load_and_latency_allow(shop):
    two = [{"request_rate": 4}, {"request_rate": 4, "model": "counted/two"}]
    found = plan(shop, *two)
    assert units(found) == {"small": 1}
    assert sorted(run["workload"] for run in found.to_dict()["deployments"][0]["runs"]) == ["one-1", "two-2"]
    assert found.cost_per_month == pytest.approx(730)
    assert plan(shop, *two, sharing=1).cost_per_month == pytest.approx(2 * 730)
    assert plan(shop, two[0], {**two[1], "share": False}).cost_per_month == pytest.approx(2 * 730)
    assert units(plan(shop, two[0], {**two[1], "request_rate": 7})) == {"small": 2}  # too much load together
    three = [*two, {"request_rate": 1, "name": "third"}]
    assert plan(shop, *three, sharing=3).cost_per_month == pytest.approx(730)  # 90 % of the memory
    # Taking turns doubles a latency of 20 ms.
    assert units(plan(shop, {**two[0], "max_tpot": "40ms"}, two[1])) == {"small": 1}
    assert units(plan(shop, {**two[0], "max_tpot": "39ms"}, two[1])) == {"small": 2}


def test_sizes_go_to_the_hardware_that_takes_them(shop):
    sizes = [{"share": 9, "input_tokens": 100}, {"share": 1, "input_tokens": 2000}]
    found = plan(shop, {"request_rate": 105, "sizes": sizes})
    assert units(found) == {"small": 1, "large": 1}
    small = next(item for item in found.to_dict()["deployments"] if item["device"] == "small")
    assert [size["input_tokens"] for size in small["runs"][0]["sizes"]] == [100]


def test_hours_scale_and_limits_bind(shop):
    day = {"by_hour": [5] * 12 + [25] * 12}
    assert plan(shop, day).cost_per_month == pytest.approx((1 + 3) / 2 * 730)
    assert plan(shop, day, scaling="none").cost_per_month == pytest.approx(3 * 730)
    found = plan(shop, day, max_devices=2, what_if=True)
    assert units(found) == {"small": 1, "large": 1}
    limit = next(item for item in found.binding if item.rule == "max_devices")
    assert limit.binds
    assert limit.value == pytest.approx(2.0)
    scaled = plan(shop, {**day, "request_rate": 30})  # 10 and 50: 1 small, and 1 large at $4 instead of 5 small
    assert scaled.cost_per_month == pytest.approx((1 + 4) / 2 * 730)


def test_replicas(shop):
    assert units(plan(shop, {"request_rate": 1, "min_replicas": 3})) == {"small": 3}


def test_carbon_counts_what_is_idle_and_what_works(shop):
    """15 requests a second: 2 small emit 20 idle and 30 at work, 1 large 20 and 3."""
    found = plan(shop, {"request_rate": 15}, objective="carbon")
    assert units(found) == {"large": 1}
    assert found.carbon_per_month == pytest.approx(0.730 * (20 + 20 * 0.15))
    assert units(plan(shop, {"request_rate": 15}, objective="cost")) == {"small": 2}
    assert units(plan(shop, {"request_rate": 15}, objective="cost", carbon_budget_kg=20)) == {"large": 1}
    assert units(plan(shop, {"request_rate": 15}, objective="carbon", budget=2 * 730)) == {"small": 2}


def test_a_job_is_paid_for_while_it_runs(shop):
    """36,000 requests every day at 100 a second on the large: 6 minutes at $4/h; at 10 a second 1 h at $1/h."""
    job = {"task": "batch", "rows": 36000, "every": "1d"}
    assert plan(shop, job).cost_per_month == pytest.approx(0.4 / 24 * 730)
    slow = plan(shop, {**job, "finish_in": "30min", "device": ["small"]})
    assert slow.cost_per_month == pytest.approx(1 / 24 * 730)


def test_no_plan_says_why_and_what_would_help(shop):
    found = plan(shop, {"request_rate": 5, "max_tpot": "1ms"}, what_if=True)
    answer = found.to_dict()
    assert answer["feasible"] is False
    assert answer["deployments"] == []
    assert "time_per_output_token rules out" in answer["gaps"][0]
    lifted = {item["rule"]: item["value"] for item in answer["binding"]}
    assert lifted["time_per_output_token"] == pytest.approx(730)
    assert lifted["region"] is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"request_rte": 4}, "request_rte: no such field; did you mean request_rate"),
        ({"request_rate": "4 apples"}, "request_rate: expected a rate such as 4, 0.5/s or 100/min"),
        ({"by_hour": [1, 2]}, "by_hour: expected 24 rates"),
        ({"sizes": [{"share": -1}]}, "sizes[1]: share"),
        ({"sizes": [{"share": 1}], "input_tokens": 5, "request_rate": 1}, "either sizes or input_tokens"),
        ({}, "request_rate: a service needs it"),
        ({"task": "batch", "rows": 5, "request_rate": 1}, "every"),
        ({"task": "batch"}, "rows: a job of a fleet needs rows or tokens"),
        ({"request_rate": 1, "max_tpot": "soon"}, "max_tpot: expected a time"),
    ],
)
def test_wrong_fields_are_named(change, named):
    with pytest.raises(InputError, match=re.escape(named)) as error:
        make_fleet({"workload": [{"model": "counted/one", **change}]}, "job.toml")
    assert "job.toml: workload[1]" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "expected [[workload]] tables"),
        ({"objective": "fun"}, "objective"),
        ({"time_limt": 3}, "did you mean time_limit"),
        ({"workload": [{"model": "a", "request_rate": 1, "name": "x"}] * 2}, "two workloads are named 'x'"),
    ],
)
def test_wrong_rules_are_named(document, named):
    document = document if not document or "workload" in document else {
        **document, "workload": [{"model": "a", "request_rate": 1}]}  # fmt: skip
    with pytest.raises(InputError, match=re.escape(named)):
        make_fleet(document)


JOB = """
[defaults]
region = "eu"
[[workload]]
name = "chat"
model = "counted/one"
request_rate = "115/s"
max_tpot = "100ms"
[[workload]]
model = "counted/two"
request_rate = 1
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    import advisor_fleet

    monkeypatch.setenv("COLUMNS", "120")
    job = tmp_path / "job.toml"
    job.write_text(JOB)

    def call(*args):
        session = Session(plugins=[Shop(), advisor_fleet], discover=False)
        return CliRunner().invoke(cli, ["fleet", *[str(job) if arg == "job" else arg for arg in args]], obj=session)

    return call


def test_the_table(run):
    result = run("job")
    assert result.exit_code == 0, result.output
    assert "Large" in result.stdout
    assert "saves" in result.stdout
    assert "chat: region: without it" in result.stdout
    assert "No plan can be below" in result.stdout


def keys(value):
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    kept = {name: item for name, item in value.items() if name not in ("recipe", "layout", "estimates", "carried_by")}
    return set(value).union(*map(keys, kept.values()))


def test_every_field_of_the_answer_is_documented(run):
    result = run("job", "--json")
    answer = json.loads(result.stdout)
    words = set(re.findall(r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")))
    assert keys(answer) - words - {"name", "version", "schema"} == set()
    assert answer["schema"] == {"name": "advisor.fleet", "version": 1}
    assert run("job", "--json").stdout == result.stdout  # the same question, the same answer


def test_without_the_solver_one_line_says_how_to_get_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    result = run("job")
    assert result.exit_code == 2
    assert result.stderr.strip() == (
        "advisor: advisor fleet needs scipy for its solver: pip install 'hardware-advisor[fleet]'"
    )


def test_a_missing_file_is_one_line(run):
    result = run("nowhere.toml")
    assert result.exit_code == 2
    assert "nowhere.toml: cannot be read" in result.stderr


def test_privacy_rules_keep_offers_out(advisor):
    """With the catalogs: whatever the plan uses is feasible in a ranking under the same rules, and rules cost money."""
    rules = {"data_class": "health", "data_region": "us", "policies": ["hipaa"]}
    asked = {"model": "Qwen/Qwen2.5-0.5B", "request_rate": 20, "kind": ["gpu"]}
    strict = plan_fleet(advisor, make_fleet({"workload": [{**asked, **rules}]}), what_if=False)
    free = plan_fleet(advisor, make_fleet({"workload": [asked]}), what_if=False)
    ranking = advisor.rank(asked["model"], kind=["gpu"], limits={"quality": 0.98}, **rules)
    allowed = {candidate.offer.id for candidate in ranking.everything() if candidate.feasible}
    used = {item["offer"]["id"] for item in strict.to_dict()["deployments"]}
    assert used
    assert used <= allowed
    assert strict.cost_per_month > free.cost_per_month
