"""The command ``advisor optimize``: steps that pay, how they are done, and models too small for a device."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import Advisor, Workload
from advisor.cli.main import cli
from advisor_optimize.how import _commands, how
from advisor_optimize.steps import Search, better

LLAMA = "meta-llama/Llama-3.1-8B"
CLASSIFIER = str(Path(__file__).parents[1] / "keras" / "data" / "model.h5")


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


@pytest.fixture(scope="module")
def plan(advisor):
    return Search(advisor, advisor.read(LLAMA), "l4", Workload()).run()


def run(*words):
    return CliRunner().invoke(cli, words)


def test_it_starts_plain_and_each_step_adds_one_thing(plan):
    assert plan.start.recipe == {}
    assert plan.start.batch == 1
    before = plan.start
    assert len(plan.steps) >= 3
    for step in plan.steps:
        now = step.candidate
        added = {slot: label for slot, label in now.recipe.items() if before.recipe.get(slot) != label}
        if step.slot == "batch":
            assert added == {}
            assert now.batch != before.batch
        else:
            assert added == {step.slot: step.label}
            assert now.batch == before.batch
        assert step.pays > 0
        before = now


def test_every_step_can_be_run_and_the_end_is_as_good_as_the_ranking_of_it_all(advisor, plan):
    for step in plan.steps:
        assert step.candidate.feasible
        assert step.candidate.frameworks
    ranking = advisor.estimate(LLAMA, "l4")
    cost = next(item for item in ranking.measured if item.objective.aspect == "cost").objective.name
    assert plan.last.objectives[cost].value <= 1.2 * ranking.best.objectives[cost].value


def test_the_first_step_makes_it_fit_where_the_plain_model_does_not(advisor):
    plan = Search(advisor, advisor.read(LLAMA), "v100", Workload(concurrency=4)).run()
    assert not plan.start.feasible
    assert plan.steps[0].slot == "weights"
    assert plan.steps[0].candidate.frameworks == ["lmdeploy"]


def test_the_users_limits_hold(advisor):
    plan = Search(advisor, advisor.read(LLAMA), "b200", Workload(min_quality=0.99)).run()
    assert plan.last.column("quality") >= 0.99


def test_what_pays_follows_the_weights(advisor):
    search = Search(advisor, advisor.read(LLAMA), "l4", Workload(optimize="quality"))
    assert search.run().steps == []


class Ratio:
    direction, scale, span, negligible = "minimize", "ratio", 1.0, 0.0


class Linear:
    direction, scale, span, negligible = "maximize", "linear", 0.1, 0.0


def test_what_counts_as_better():
    assert better(Ratio, 8.0, 2.0) == 2.0  # two halvings
    assert better(Linear, 1.0, 0.95) == pytest.approx(-0.5)


def test_the_command_says_how():
    answer = run("optimize", LLAMA, "--on", "l4")
    assert answer.exit_code == 0, answer.output
    assert "vllm serve meta-llama/Llama-3.1-8B --quantization fp8" in answer.output
    assert "All of it runs in" in answer.output
    assert "https://" in answer.output


def test_the_keras_classifier_is_too_small_for_an_accelerator():
    answer = run("optimize", CLASSIFIER, "--on", "l4", "--task", "train", "--rows", "60000", "--epochs", "10")
    assert answer.exit_code == 0, answer.output
    text = " ".join(answer.output.split())
    assert "too small for NVIDIA L4 24 GB to pay" in text
    assert "does it with run time" in text


def test_json():
    words = ("optimize", CLASSIFIER, "--on", "h100", "--task", "train", "--rows", "60000", "--json")
    answer = json.loads(run(*words).output)
    assert answer["schema"] == {"name": "advisor.optimize", "version": 1}
    assert answer["too_small"] is True
    assert answer["launch_share"] > 0.5
    assert answer["elsewhere"]["kind"] == "cpu"
    answer = json.loads(run("optimize", LLAMA, "--on", "h100", "--json").output)
    assert answer["too_small"] is False
    assert {"step", "slot", "pays", "framework", "how", "source", "figures", "recipe"} <= answer["steps"][0].keys()


def test_an_unknown_device_is_one_line():
    answer = run("optimize", LLAMA, "--on", "h1000")
    assert answer.exit_code == 2
    assert len(answer.output.strip().splitlines()) == 1


def test_every_command_names_a_technique_a_framework_and_a_source(advisor):
    techniques = {technique.name for technique in advisor.registry.techniques} | {"batch", "gguf"}
    frameworks = {framework.name for framework in advisor.registry.frameworks}
    table = dict(_commands())
    sources = table.pop("sources")
    for name, entries in table.items():
        assert name in techniques
        for framework, entry in entries.items():
            assert framework in frameworks
            assert sources[entry["source"]].startswith("https://")


def test_words_of_a_command_are_filled_in():
    _, text, _ = how("q4_k_m", ["llama.cpp"], "org/name", "GGUF Q4_K_M: mixed")
    assert text.endswith("llama-quantize org/name-F16.gguf org/name-Q4_K_M.gguf Q4_K_M")
    assert "--group_size 64" in how("autoround=64", ["vllm"], "m", "")[1]
    assert how("unheard_of", [], "m", "its own doc") == ("", "its own doc", "")
