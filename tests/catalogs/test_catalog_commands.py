"""``advisor catalog``: what is wrong in a catalog is one line and an exit code, and its counts and schemas are data."""

import json

import pytest
from click.testing import CliRunner

import advisor_catalog_tools
from advisor.cli.main import COMMANDS, cli
from advisor.cli.session import Session
from advisor_catalog_tools.command import KINDS
from advisor_catalogs.counts import catalog_counts
from advisor_catalogs.documents import catalog_root, files_in, read_toml
from advisor_catalogs.schemas import SCHEMA_KINDS, json_schemas

OFFERS = "provider,system,region,term,price_usd_per_hour,source,source_url,date\n"


@pytest.fixture
def run():
    """Run the command line with this plugin alone."""

    def call(*arguments):
        session = Session(plugins=[advisor_catalog_tools], discover=False)
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], obj=session)

    return call


def test_it_does_not_take_the_name_of_a_built_in_command():
    assert "catalog" not in COMMANDS


def test_the_built_in_catalogs_pass(run):
    answer = run("catalog", "check", "--date", "2026-11-25")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("no problem found")


def test_old_figures_fail_once_they_are_old(run):
    answer = run("catalog", "check", "--date", "2036-01-01", "--json")
    assert answer.exit_code == 1
    problems = json.loads(answer.stdout)["problems"]
    assert {problem["check"] for problem in problems} == {"age"}
    assert all("too old" in problem["text"] for problem in problems)
    kinds = {problem["text"].partition(" ")[0] for problem in problems}
    assert kinds == {"offer", "charge", "token", "currency", "grid", "facility"}


def test_each_problem_is_one_line(run, user_folder, device_toml):
    bad = device_toml.replace("memory_gib = 64", "memory_gib = 65536").replace('sources = ["sheet"]', "")
    dear = OFFERS + "aws,8xacme-a1-64gb,eu-central-1,on-demand,900,Acme,,2026-01-01\n"
    regions = '[aws]\nmoon-1 = { country = "XX", grid = "YY" }\n'
    folder = user_folder(devices__acme_toml=bad, offers__mine_csv=dear, regions_toml=regions)
    answer = run("catalog", "check", folder, "--date", "2026-11-24", "--json")
    assert answer.exit_code == 1
    found = {}
    for problem in json.loads(answer.stdout)["problems"]:
        assert "\n" not in problem["text"]
        found.setdefault(problem["check"], []).append(problem["text"])
    text = {check: " ".join(lines) for check, lines in found.items()}
    assert "memory_gib: 65536 is outside of" in text["ranges"]
    assert "no source" in text["sources"]
    assert "unknown country 'XX'" in text["references"]
    assert "unknown grid 'YY'" in text["references"]
    assert "900" not in text["prices"]
    assert "112.5 USD a device and hour" in text["prices"]
    plain = run("catalog", "check", folder, "--date", "2026-11-24")
    assert plain.exit_code == 1
    assert len(plain.stdout.splitlines()) == sum(map(len, found.values()))


def test_a_file_that_cannot_be_read_is_a_problem(run, user_folder):
    answer = run("catalog", "check", user_folder(devices__acme_toml="[[device]"), "--json")
    assert answer.exit_code == 1
    (problem,) = json.loads(answer.stdout)["problems"]
    assert (problem["check"], "acme.toml" in problem["text"]) == ("schema", True)


def test_a_folder_that_is_not_there_is_bad_input(run, tmp_path):
    answer = run("catalog", "check", tmp_path / "none")
    assert answer.exit_code == 2
    assert "no such catalog folder" in answer.output
    empty = run("catalog", "check", tmp_path)
    assert empty.exit_code == 2
    assert "holds no catalog" in empty.output


def test_stats(run):
    answer = json.loads(run("catalog", "stats", "--json").stdout)
    assert answer["schema"] == {"name": "advisor.catalog_stats", "version": 1}
    assert answer["counts"] == catalog_counts()
    table = run("catalog", "stats")
    assert table.exit_code == 0
    assert "offers by provider" in table.stdout
    assert len(run("catalog", "stats", "--all").stdout.splitlines()) > len(table.stdout.splitlines())


@pytest.mark.parametrize("kind", KINDS)
def test_schema(run, kind):
    answer = run("catalog", "schema", kind)
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == json_schemas()[kind]


def test_kinds_are_those_of_the_catalogs():
    assert KINDS == SCHEMA_KINDS


def test_an_unknown_kind_is_one_line(run):
    answer = run("catalog", "schema", "devices")
    assert answer.exit_code == 2
    assert len(answer.output.splitlines()) == 1


@pytest.mark.parametrize("kind", ["device", "system"])
def test_the_schema_names_every_field_that_files_use(kind):
    schema = json_schemas()[kind]
    record = schema["$defs"][schema["properties"][kind]["items"]["$ref"].rsplit("/", 1)[1]]
    for file in files_in(catalog_root() / f"{kind}s", ".toml"):
        document = read_toml(file)
        assert set(document) <= set(schema["properties"])
        for entry in document[kind]:
            assert set(record["required"]) <= set(entry)
            assert set(entry) <= set(record["properties"])


def test_dates_of_prices_are_given_by_year():
    years = catalog_counts()["prices by year"]
    assert all(2020 <= int(year) <= 2026 for year in years)
    assert sum(years.values()) == catalog_counts()["entries"]["offers"]
