"""list and show of everything that has a name."""

import csv
import io
import json

import pytest

LISTS = ["devices", "systems", "offers", "models", "techniques", "scorers", "backends", "rankers", "profiles",
         "exporters", "plugins"]  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_list_in_every_form(run, name):
    table = run(name, "list")
    assert table.exit_code == 0, table.output
    assert run(name).stdout == table.stdout  # listing is what a bare command does
    data = json.loads(run(name, "list", "--json").stdout)
    assert data["schema"] == {"name": f"advisor.{name}", "version": 1}
    assert run(name, "--json").stdout == run(name, "list", "--json").stdout
    rows = list(csv.DictReader(io.StringIO(run(name, "list", "--csv").stdout)))
    assert len(rows) == len(data[name]) > 0
    assert f"\n{len(rows)} {name if len(rows) > 1 else name.rstrip('s')}" in table.stdout


@pytest.mark.parametrize(
    ("kind", "name", "has"),
    [
        ("devices", "SMALL", "Toy Small"), ("systems", "2xtoy-large", "toy-large"),
        ("offers", "acme/1xtoy-small/eu-1/on-demand", "eu-1"), ("models", "toy4", "2,202,000"),
        ("techniques", "int8", "half"),
        ("scorers", "price", "what the offer costs"), ("backends", "toy", "bytes over bandwidth"),
        ("rankers", "worst", "worst loss"), ("profiles", "thrifty", "cost 0.9"), ("exporters", "shell", "shell"),
        ("plugins", "toy", "devices"),
    ],
)  # fmt: skip
def test_show_in_every_form(run, kind, name, has):
    result = run(kind, "show", name)
    assert result.exit_code == 0, result.output
    assert has in result.stdout
    data = json.loads(run(kind, "show", name, "--json").stdout)
    assert data["schema"]["name"] == f"advisor.{kind.removesuffix('s')}"


def test_words_filter(run):
    names = [row["id"] for row in json.loads(run("devices", "list", "toyco", "large", "--json").stdout)["devices"]]
    assert names == ["toy-large"]


def test_sources_of_each_figure(run):
    text = run("devices", "show", "small", "--sources").stdout
    assert "[1] Toy data sheet (2024-01-02) https://example.org/toy" in text
    assert "estimated: guessed from the cooler" in text
    data = json.loads(run("devices", "show", "small", "--json").stdout)["device"]
    assert data["figure_sources"]["memory_gib"].startswith("Toy data sheet")
    assert data["providers"] == ["acme"]


def test_plugin_commands_are_listed_and_run(run):
    assert run("greet").stdout == "hello from a plugin\n"
    assert "greet" in run("--help").stdout


def test_show_device_loads_no_backends(run):
    hooks = run("devices", "show", "small", "--trace-hooks").stderr
    assert "backends()" not in hooks
