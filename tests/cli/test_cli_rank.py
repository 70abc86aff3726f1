"""rank, explain and estimate: answers, formats, filters, files."""

import csv
import io
import json

import pytest

FIELDS = {"rank", "feasible", "reasons", "device", "device_count", "offer", "recipe", "estimates", "objectives"}
FIGURE = {"value", "low", "high", "unit"}


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_table_answers_in_one_sentence(run):
    result = run("rank", "toy4", "--task", "serve", "--term", "spot,on-demand")
    assert result.exit_code == 0, result.output
    assert "Small" in result.stdout
    assert "Best: 1 x Toy Small at acme us-1 spot" in result.stdout
    assert "because its" in result.stdout


@pytest.mark.parametrize("task", ["serve", "batch", "train"])
@pytest.mark.parametrize("model", ["toy4", "classifier"])
@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_table_fits_its_width(run, monkeypatch, task, model, width):
    monkeypatch.setenv("COLUMNS", width)
    result = run("rank", model, "--task", task, "--rows", "10k")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("#"))
    table = lines[start : lines.index("", start)]
    assert max(map(len, table)) <= int(width) or any(line.startswith("In all") for line in table)
    assert "\x1b" not in result.stdout


def test_json_fixed_points(run):
    data = answer(run("rank", "toy4", "--json"))
    assert data["schema"] == {"name": "advisor.rank", "version": 1}
    assert isinstance(data["warnings"], list)
    for candidate in data["candidates"]:
        assert set(candidate) >= FIELDS
        for figure in [*candidate["estimates"].values(), *candidate["objectives"].values()]:
            assert set(figure) == FIGURE
    feasible = [candidate for candidate in data["candidates"] if candidate["feasible"]]
    assert [candidate["rank"] for candidate in feasible] == list(range(1, len(feasible) + 1))
    missed = [candidate for candidate in data["candidates"] if not candidate["feasible"]]
    assert [candidate["device"] for candidate in missed] == ["toy-tiny"]
    assert "does not fit in memory" in missed[0]["reasons"][0]


def test_same_question_same_answer(run):
    first, second = run("rank", "toy4", "--json"), run("rank", "toy4", "--json")
    assert first.stdout == second.stdout


def test_csv_is_a_table(run):
    result = run("rank", "toy4", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows[0]["rank"] == "1"
    assert rows[0]["device"] == "toy-small"
    assert float(rows[0]["estimates.step_time_low"]) < float(rows[0]["estimates.step_time"])


def test_all_unfolds_and_limit_bounds(run):
    folded = answer(run("rank", "toy4", "--json"))["candidates"]
    assert len(answer(run("rank", "toy4", "--json", "--all", "--limit", 0))["candidates"]) > len(folded)
    assert sum(c["feasible"] for c in answer(run("rank", "toy4", "--json", "--all", "--limit", 3))["candidates"]) == 3
    assert len(list(csv.DictReader(io.StringIO(run("rank", "toy4", "--csv", "--all", "--limit", 3).stdout)))) == 3


def test_nothing_feasible_says_what_would_be(run):
    result = run("rank", "toy4", "--max-ttft", "1ns")
    assert result.exit_code == 0
    assert "No candidate is feasible" in result.stdout
    assert "instead of" in result.stdout
    assert answer(run("rank", "toy4", "--max-ttft", "1ns", "--json"))["feasible"] == 0


def test_units_are_accepted(run):
    data = answer(run("rank", "toy4", "--json", "--request-rate", "30/min", "--max-ttft", "500 s", "--rows", "1M",
                      "--budget", "$1.5k", "--power-budget", "40kW", "--finish-in", "30d"))  # fmt: skip
    job = data["workload"]
    assert job["request_rate"] == 0.5
    assert job["max_ttft"] == 500
    assert job["rows"] == 1_000_000
    assert job["budget"] == 1500
    assert job["power_budget"] == 40_000
    assert job["finish_in"] == 30 * 86400


def test_lists_are_repeated_or_separated_by_commas(run):
    one = answer(run("rank", "toy4", "--json", "--device", "small,LARGE", "--region", "eu"))
    two = answer(run("rank", "toy4", "--json", "--device", "small", "--device", "toy_large", "--region", "de"))
    assert one["workload"]["device"] == ["small", "LARGE"]
    assert [c["device"] for c in one["candidates"]] == [c["device"] for c in two["candidates"]]
    assert {c["offer"]["country"] for c in one["candidates"]} == {"DE"}


def test_tables_as_options(run):
    data = answer(run("rank", "toy4", "--json", "--weights", "cost=3,latency=1", "--limits", "cost_per_hour=2"))
    assert data["weights"]["cost"] == pytest.approx(0.75)
    assert all(c["objectives"]["cost_per_hour"]["value"] <= 2 for c in data["candidates"] if c["feasible"])


def test_limits_take_the_unit_of_what_they_limit(run):
    data = answer(run("rank", "toy4", "--json", "--limits", "time_to_first_token=5000ms,power=2kW"))
    assert data["workload"]["limits"] == {"time_to_first_token": 5.0, "power": 2000.0}


def test_technique_is_an_alias_of_techniques(run):
    for option in ("--technique", "--techniques"):
        data = answer(run("rank", "toy4", "--json", option, "int8"))
        assert {c["recipe"].get("weights") for c in data["candidates"]} == {"half"}
    data = answer(run("rank", "toy4", "--json", "--without-technique", "half"))
    assert all(not c["recipe"] for c in data["candidates"])


def test_workload_file_and_options_over_it(run, tmp_path):
    job = tmp_path / "job.toml"
    job.write_text('task = "serve"\ninput-tokens = "2k"\nmax_ttft = "90s"\nprofile = "thrifty"\non_premises = true\n')
    data = answer(run("rank", "toy4", "--json", "--workload", job, "--max-ttft", "80s", "--optimize", "latency",
                      "--no-on-premises"))  # fmt: skip
    assert data["workload"]["input_tokens"] == 2000
    assert data["workload"]["max_ttft"] == 80
    assert data["workload"]["optimize"] == "latency"
    assert "profile" not in data["workload"]


def test_ranker_can_be_named(run):
    assert run("rank", "toy4", "--ranker", "worst").exit_code == 0
    result = run("rank", "toy4", "--ranker", "wurst")
    assert result.exit_code == 2
    assert "did you mean worst?" in result.stderr


def test_failing_plugin_is_named_and_ranking_goes_on(run):
    from cli_toy import BROKEN

    result = run("rank", "toy4", plugins=(BROKEN,))
    assert result.exit_code == 0
    assert result.stderr.count("warning: plugin 'broken'") == 1
    data = answer(run("rank", "toy4", "--json", plugins=(BROKEN,)))
    assert any("broken" in line for line in data["warnings"])


def test_without_leaves_a_plugin_out(run, monkeypatch):
    from cli_toy import BROKEN

    assert run("rank", "toy4", "--without", "broken", plugins=(BROKEN,)).stderr == ""
    assert run("--without", "broken", "rank", "toy4", plugins=(BROKEN,)).stderr == ""
    monkeypatch.setenv("ADVISOR_WITHOUT", "broken, ")
    assert run("rank", "toy4", plugins=(BROKEN,)).stderr == ""


def test_trace_names_hooks_and_plugins(run):
    result = run("rank", "toy4", "--trace-hooks")
    assert "hook: devices() of plugin 'toy'" in result.stderr
    assert "hook" not in result.stdout


def test_explain_says_why(run):
    result = run("explain", "toy4", "--max-ttft", "100ms")
    assert result.exit_code == 0, result.output
    for text in ("bound by memory", "memory 75 %", "rent", "does not fit in memory", "aspect"):
        assert text in result.stdout
    data = answer(run("explain", "toy4", "--json"))
    assert data["schema"] == {"name": "advisor.explain", "version": 1}
    assert data["candidates"][0]["time_shares"]["memory"] == pytest.approx(0.75)


def test_estimate_shows_one_candidate_in_full(run):
    result = run("estimate", "toy4", "--on", "2xlarge", "--technique", "half")
    assert result.exit_code == 0, result.output
    for text in ("2 x Toy Large", "±10 %", "80 % interval", "cost per hour", "weights"):
        assert text in result.stdout
    data = answer(run("estimate", "toy4", "--on", "small", "--json"))
    assert data["schema"] == {"name": "advisor.estimate", "version": 1}
    assert data["candidate"]["device"] == "toy-small"
    assert set(data["candidate"]["estimates"]["step_time"]) == FIGURE


def test_estimate_of_what_does_not_fit_still_shows_the_memory(run):
    result = run("estimate", "toy4", "--on", "tiny")
    assert result.exit_code == 0, result.output
    assert "not feasible: does not fit in memory" in result.stdout


def test_export_prints_or_writes_and_never_overwrites(run, tmp_path):
    assert run("rank", "toy4", "--export", "shell").stdout == "run --model toys/Toy-4M --on 1xtoy-small\n"
    target = tmp_path / "run.sh"
    assert run("estimate", "toy4", "--on", "large", "--export", "shell", "--output", target).exit_code == 0
    assert target.read_text() == "run --model toys/Toy-4M --on 1xtoy-large\n"
    again = run("rank", "toy4", "--export", "shell", "--output", target)
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run("rank", "toy4", "--export", "shell", "--output", target, "--force").exit_code == 0
    assert "toy-small" in target.read_text()
    assert "did you mean shell?" in run("rank", "toy4", "--export", "shel").stderr


def test_says_how_sure_the_best_is_and_what_is_tied(run):
    result = run("rank", "toy4", "--request-rate", "1")
    assert "Best with" in result.stdout
    known = [each["certainty"] for each in answer(run("rank", "toy4", "--request-rate", "1", "--json"))["candidates"]]
    assert known[0]["tied_with"] == 1
    assert sum(each["best"] or 0 for each in known) == pytest.approx(1)


def test_explain_says_what_would_change_the_winner(run):
    result = run("explain", "toy4", "--request-rate", "1")
    assert result.exit_code == 0, result.output
    assert "What would change the winner" in result.stdout
    assert "price of acme/1xtoy-" in result.stdout


def test_front_shows_what_nothing_beats(run):
    front = answer(run("rank", "toy4", "--front", "--json"))["candidates"]
    feasible = [each for each in front if each["feasible"]]
    assert feasible
    assert all(each["pareto"] for each in feasible)
    everything = answer(run("rank", "toy4", "--all", "--json", "--limit", "0"))["candidates"]
    of_all = answer(run("rank", "toy4", "--front", "--all", "--json", "--limit", "0"))["candidates"]
    assert sum(each["pareto"] for each in everything) == sum(each["feasible"] for each in of_all)
    assert run("rank", "toy4", "--front").exit_code == 0
