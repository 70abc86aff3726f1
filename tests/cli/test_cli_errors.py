"""Whatever is wrong is one line on standard error, with an exit code and what to do."""

import pytest

from advisor import Workload, hookimpl
from advisor.cli.options import option_names
from advisor.records import declared


def one_line(result, code=2):
    assert result.exit_code == code, result.output
    assert result.stderr.startswith("advisor: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.stderr


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["rnk", "toy4"], "did you mean rank"),
        (["rank", "toy4", "--max-tft", "1s"], "did you mean --max-ttft"),
        (["rank", "toy5"], "did you mean toy4"),
        (["rank", "toy4", "--device", "smal"], "did you mean small"),
        (["rank", "toy4", "--region", "eu-2"], "did you mean eu-1"),
        (["rank", "toy4", "--technique", "hlf"], "did you mean half"),
        (["rank", "toy4", "--profile", "thrift"], "did you mean thrifty"),
        (["rank", "toy4", "--weights", "cots=1"], "did you mean cost"),
        (["rank", "toy4", "--limits", "cost_per_our=1"], "did you mean cost_per_hour"),
        (["estimate", "toy4", "--on", "4xlarg"], "did you mean large"),
        (["inspect", "toy4", "--on", "larg"], "did you mean large"),
        (["inspect", "toy4", "--train", "--optimizer", "adm"], "did you mean adam"),
        (["devices", "show", "toy-smal"], "did you mean toy-small"),
        (["plugins", "show", "toi"], "did you mean toy"),
    ],
)
def test_wrong_names_suggest_the_nearest(run, args, hint):
    result = run(*args)
    assert hint in one_line(result)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["rank"], ["missing argument", "MODEL"]),
        (["rank", "toy4", "--task", "dance"], ["--task", "serve"]),
        (["rank", "toy4", "--max-ttft", "3 bananas"], ["--max-ttft", "500ms"]),
        (["rank", "toy4", "--rows", "1.5"], ["--rows", "whole number"]),
        (["rank", "toy4", "--rows", "nan"], ["--rows"]),
        (["rank", "toy4", "--min-quality", "2"], ["--min-quality", "1"]),
        (["rank", "toy4", "--limits", "step_time=soon"], ["--limits: step_time", "500ms"]),
        (["rank", "toy4", "--weights", "cost"], ["--weights", "NAME=NUMBER"]),
        (["rank", "toy4", "--weights", "cost=lots"], ["--weights", "number"]),
        (["rank", "toy4", "--weights", "cost=1", "--profile", "thrifty"], ["one of"]),
        (["rank", "toy4", "--task", "train", "--request-rate", "1"], ["request_rate", "serve"]),
        (["rank", "toy4", "--json", "--csv"], ["--json", "--csv"]),
        (["rank", ""], ["model: expected a file, a folder or a name"]),
        (["rank", "toy4", "--min-quality", "high"], ["--min-quality: expected a share such as 0.99 or 99%"]),
        (["rank", "toy4", "--epochs", "many"], ["--epochs: expected a number, not 'many'"]),
        (["rank", "toy4", "--settings", "rank=many"], ["--settings: rank: expected a number, not 'many'"]),
        (["rank", "toy4", "--request-rate", "1e30"], ["--request-rate", "at most"]),
        (["rank", "toy4", "--input-tokens", "1e30"], ["--input-tokens", "at most"]),
        (["rank", "toy4", "--output", "plan.txt"], ["--output goes with --export"]),
        (["rank", "toy4", "--export", "note", "--json"], ["--export or --json"]),
        (["estimate", "toy4", "--on", "small", "--output", "plan.txt"], ["--output goes with --export"]),
        (["estimate", "toy4", "--on", "small", "--device", "large"], ["Toy Small", "device large"]),
        (["estimate", "toy4", "--on", "99999999999999999999xsmall"], ["a count from 1 to"]),
        (["inspect", "toy4", "--batch", "1e30"], ["--batch", "1e30"]),
        (["inspect", "toy4", "--image-size", "0"], ["--image-size"]),
        (["devices", "toy-small"], ["advisor devices show toy-small", "advisor devices list toy-small"]),
        (["devices", "--json", "show", "small"], ["devices show --json"]),
        (["rank", "toy4", "--also-rent"], ["--owned"]),
        (["rank", "no/such/config.json"], ["no such file"]),
        (["rank", "toy4", "--workload", "nowhere.toml"], ["nowhere.toml", "cannot be read"]),
        (["estimate", "toy4"], ["--on"]),
        (["inspect", "toy4", "--seq-len", "0"], ["--seq-len"]),
        (["inspect", "toy4", "--batch", "many"], ["--batch", "whole number"]),
        (["validate", "nowhere.csv"], ["nowhere.csv"]),
    ],
)
def test_wrong_input_names_the_option_and_what_is_accepted(run, args, words):
    line = one_line(run(*args))
    assert all(word in line for word in words), line


def test_wrong_field_in_a_workload_file_is_placed(run, tmp_path):
    job = tmp_path / "job.toml"
    job.write_text("max_tft = 1\n")
    line = one_line(run("rank", "toy4", "--workload", job))
    assert "job.toml: max_tft" in line
    assert "did you mean max_ttft" in line
    job.write_text("max_ttft = \n")
    assert "not a valid TOML file" in one_line(run("rank", "toy4", "--workload", job))
    job.write_text('max_ttft = "soon"\n')
    assert "job.toml: max_ttft: expected a time" in one_line(run("rank", "toy4", "--workload", job))


def test_damaged_model_file(run, tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"toy": "wide"}')
    assert "expected a whole number" in one_line(run("rank", file))
    file.write_text('{"other": 1}')
    assert "not a model file that a reader knows" in one_line(run("inspect", file))


class Crash:
    advisor_name = "crash"

    @hookimpl
    def commands(self, group):
        @group.command("crash")
        def crash():
            raise ValueError("boom\nand more")

        @group.command("stop")
        def stop():
            raise KeyboardInterrupt

        @group.command("pipe")
        def pipe():
            raise BrokenPipeError


def test_unexpected_errors_are_one_line_without_debug(run):
    line = one_line(run("crash", plugins=(Crash(),)), 70)
    assert "internal error: ValueError: boom and more" in line
    assert "--debug" in line
    result = run("--debug", "crash", plugins=(Crash(),))
    assert isinstance(result.exception, ValueError)


def test_interrupt_and_broken_pipe(run):
    result = run("stop", plugins=(Crash(),))
    assert result.exit_code == 130
    assert result.stderr.strip() == "advisor: interrupted"
    result = run("pipe", plugins=(Crash(),))
    assert result.exit_code == 141
    assert result.stderr == ""


def test_names_cannot_steer_the_terminal(run, tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"toy": 8, "name": "evil\\u001b[31m", "layer": "l\\u001b]0;x\\u0007"}')
    for command in (["inspect", file], ["rank", file], ["explain", file], ["estimate", file, "--on", "small"]):
        result = run(*command)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.output
        assert "\x07" not in result.output




HOSTILE = ["", " ", "-1", "0", "nan", "inf", "1e400", "9" * 400, "ünï", "a=b=c", ",", "=", "=1", "\x1b[31m",
           "None", "1e9", "1e30"]  # fmt: skip


@pytest.mark.parametrize("field", declared(Workload))
def test_no_value_of_an_option_is_an_internal_error(run, field):
    info = declared(Workload)[field]
    if info.default is False:
        return
    for value in HOSTILE:
        result = run("rank", "toy4", f"{option_names(field, info.type)[0]}={value}")
        assert result.exit_code in (0, 2), (value, result.output)
        if result.exit_code == 2:
            one_line(result)
            assert "\x1b" not in result.output
