"""Every command has help, and every command and option has its place in docs/cli.md."""

import json
import re
from pathlib import Path

import click
import pytest

from advisor.cli.main import COMMANDS, cli
from advisor.cli.options import option_names
from advisor.cli.session import Session
from advisor.records import declared
from advisor.workload import Workload

DOCS = Path(__file__).parents[2] / "docs"


def commands():
    """Yield each command with its path."""
    context = click.Context(cli, obj=Session(discover=False))
    for name in COMMANDS:
        command = cli.get_command(context, name)
        yield name, command
        if isinstance(command, click.Group):
            for sub, each in command.commands.items():
                yield f"{name} {sub}", each


@pytest.mark.parametrize("name", ["", *(name for name, _ in commands())])
def test_help(run, name):
    result = run(*name.split(), "--help")
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.stdout
    assert result.stderr == ""


def test_every_command_and_option_is_documented():
    text = (DOCS / "cli.md").read_text("utf-8")
    for name, command in commands():
        if " " not in name:
            assert f"advisor {name}" in text, f"docs/cli.md lacks advisor {name}"
        for param in command.params:
            if isinstance(param, click.Option):
                for option in [*param.opts, *param.secondary_opts]:
                    assert f"`{option}`" in text or f"`{option} " in text, f"docs/cli.md lacks {option} of {name}"


def test_every_field_of_the_workload_is_an_option_of_three_commands():
    for name, command in commands():
        if name in ("rank", "explain", "estimate"):
            known = {option for param in command.params for option in param.opts}
            for field, info in declared(Workload).items():
                assert set(option_names(field, info.type)) <= known


def test_every_schema_is_documented():
    text = (DOCS / "json.md").read_text("utf-8")
    names = [name for name, _ in commands() if " " not in name]
    singular = [re.sub("ies$", "ys", name).removesuffix("s") for name in names if name.endswith("s")]
    for name in [*names, *singular]:
        assert f"`advisor.{name}`" in text, f"docs/json.md lacks advisor.{name}"


def test_short_help_matches_the_command():
    for name, (_, line) in COMMANDS.items():
        assert len(name) + len(line) < 76
        assert line.endswith(".")


def keys(value):
    """Names of an answer that the format fixes: of objects whose keys are not names of the data."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys(item) for name, item in value.items() if name not in DATA_KEYED))


DATA_KEYED = {
    "weights", "workload", "recipe", "estimates", "objectives", "memory_parts", "time_parts", "left_out",
    "broken_rules", "contributions", "time_shares", "scorer_parts", "weight_bytes_by_format", "sources",
    "figure_sources", "estimated", "device", "system", "offer", "devices", "systems", "offers",
}  # fmt: skip


@pytest.mark.parametrize(
    "args",
    [
        ["rank", "toy4"], ["rank", "classifier", "--task", "train", "--rows", "1k"],
        ["explain", "toy4", "--max-ttft", "1ns"], ["estimate", "toy4", "--on", "small"],
        ["inspect", "toy4", "--on", "small"], ["inspect", "classifier", "--train"],
        ["compare", "toy4", "classifier"], ["models", "show", "toy4"], ["techniques"], ["scorers"], ["profiles"],
        ["plugins"], ["backends", "show", "toy"], ["devices", "show", "small"],
    ],
)  # fmt: skip
def test_every_field_of_an_answer_is_documented(run, args):
    words = set(re.findall(r"`([a-z_]+)`", (DOCS / "json.md").read_text("utf-8")))
    command = [args[0], "list", *args[1:]] if len(args) == 1 else args
    result = run(*command, "--json")
    assert result.exit_code == 0, result.output
    names = keys(json.loads(result.stdout)) - set(LISTED)
    assert not names - words


LISTED = ("name", "version", "schema", *(name for name, _ in commands()),
          *(name.removesuffix("s") for name, _ in commands()))  # fmt: skip
