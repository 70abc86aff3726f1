"""What would be first but for a limit is named, with the limit."""

import json

from click.testing import CliRunner

from advisor import Advisor
from advisor.cli.main import cli

JOB = {"task": "finetune", "method": "lora", "tokens": 50_000_000, "provider": ("verda",)}


def test_the_limit_that_keeps_the_best_out_is_named():
    advisor = Advisor()
    free = advisor.rank("meta-llama/Llama-3.1-8B", **JOB, optimize="latency")
    dear = free[0].objectives["cost_per_run"].value
    bounded = advisor.rank("meta-llama/Llama-3.1-8B", **JOB, optimize="latency", budget=dear / 2)
    excluded = bounded.excluded_best
    assert free.excluded_best is None
    assert excluded is not None
    assert not excluded.feasible
    assert excluded.estimates["run_time"].value < bounded[0].estimates["run_time"].value
    assert any(reason.startswith("cost_per_run") for reason in excluded.reasons)
    assert bounded.to_dict(1)["excluded_best"]["reasons"] == excluded.reasons


def test_the_table_and_the_json_name_it():
    words = ["rank", "meta-llama/Llama-3.1-8B", "--task", "finetune", "--method", "lora", "--tokens", "50M",
             "--provider", "verda", "--optimize", "latency", "--budget", "1"]  # fmt: skip
    text = CliRunner().invoke(cli, [*words, "--limit", "2"]).output
    assert "Before it, but for a limit:" in text
    answer = json.loads(CliRunner().invoke(cli, [*words, "--limit", "1", "--json"]).output)
    assert answer["excluded_best"]["feasible"] is False
