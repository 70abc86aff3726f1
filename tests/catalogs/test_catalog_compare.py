"""The catalog's figures beside what others have published of the same things: agreement, or a reason."""

import json

import pytest
from click.testing import CliRunner

import advisor_catalog_tools
from advisor.cli.main import cli
from advisor.cli.session import Session
from advisor_catalogs import compare
from advisor_catalogs.loading import load_devices, load_systems
from advisor_catalogs.model_entries import load_models

HEADER = "entry,figure,value,source,name,reason\n"


@pytest.fixture(scope="module")
def records():
    both = {record.id: record for record in (*load_systems(), *load_devices())}
    return {**both, **{entry.id: entry.document for entry in load_models()}}


@pytest.fixture(scope="module")
def found(records):
    return [one for file in compare.comparison_files() for one in compare.comparisons(records, file)]


@pytest.fixture
def run():
    def call(*arguments):
        session = Session(plugins=[advisor_catalog_tools], discover=False)
        return CliRunner().invoke(cli, ["catalog", "compare", *map(str, arguments)], obj=session)

    return call


def test_each_disagreement_has_a_reason_and_each_reason_a_disagreement(found):
    assert list(compare.comparison_problems(found, compare.read_reasons())) == []


def test_every_reason_and_source_is_used(found):
    document = compare.read_reasons()
    assert {one.source for one in found} == set(document["sources"])
    assert {one.reason for one in found if one.reason} == set(document["reasons"])


def test_most_accelerators_are_compared_with_somebody(found):
    accelerators = {device.id for device in load_devices() if device.kind != "cpu"}
    processors = {device.id for device in load_devices() if device.kind == "cpu"}
    compared = {one.entry for one in found if one.ours is not None}
    assert len(compared & accelerators) >= 0.85 * len(accelerators)
    assert len(compared & processors) >= 0.75 * len(processors)


def test_figures_agreed_upon_by_nobody_are_few(found):
    agreed = {(one.entry, one.figure) for one in found if one.ours is not None and not one.differs}
    alone = {(one.entry, one.figure) for one in found if one.differs} - agreed
    assert len(alone) <= 0.12 * len(agreed)


@pytest.mark.parametrize(
    ("figure", "ours", "theirs", "differs"),
    [
        ("memory_bandwidth_gb_per_s", 3352.0, "3360", False),
        ("memory_bandwidth_gb_per_s", 3352.0, "2039", True),
        ("memory_gib", 45.0, "48", False),  # what the driver keeps
        ("compute_units", 132, "132", False),
        ("compute_units", 132, "133", True),
        ("peak_tflops.fp16", 989.4, "1979", True),  # sparse
    ],
)
def test_differing(figure, ours, theirs, differs):
    assert compare.differs(figure, ours, theirs) is differs


def test_a_slip_in_the_catalog_is_found(records):
    changed = dict(records)
    device = records["nvidia-h100-sxm-80gb"]
    changed[device.id] = type(device).checked({**device.as_dict(), "memory_bandwidth_gb_per_s": 2039})
    found = [one for file in compare.comparison_files() for one in compare.comparisons(changed, file)]
    problems = list(compare.comparison_problems(found, compare.read_reasons()))
    assert len(problems) >= 5
    assert all("nvidia-h100-sxm-80gb: memory_bandwidth_gb_per_s" in line for line in problems)


def test_the_command_counts_by_source(run, found):
    answer = run("--json")
    assert answer.exit_code == 0
    document = json.loads(answer.stdout)
    assert document["schema"] == {"name": "advisor.catalog_compare", "version": 1}
    assert document["figures"] == sum(one.ours is not None for one in found) >= 3000
    assert document["differ"] == len(document["comparisons"])
    assert "each with a reason" in run().stdout


def test_one_entry(run):
    answer = run("--entry", "nvidia-l4-24gb")
    assert answer.exit_code == 0
    assert "whole-die: theirs is the whole die" in answer.stdout
    assert "nvidia-l40" not in answer.stdout
    wrong = run("--entry", "nvidia-l5")
    assert wrong.exit_code == 2
    assert len(wrong.output.splitlines()) == 1


def test_a_file_of_ones_own(run, tmp_path):
    file = tmp_path / "sheets.csv"
    rows = ("memory_gib,24", "board_power_w,75")
    file.write_text(HEADER + "".join(f"nvidia-l4-24gb,{row},sheet,L4,\n" for row in rows), "utf-8")
    answer = run(file)
    assert answer.exit_code == 0
    assert "board_power_w" in answer.stdout
    assert answer.stdout.splitlines()[-1] == "2 figures of 1 entries compared; 1 differ"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("entry,figure\n", "no column 'value'"),
        (HEADER + "nvidia-l5,memory_gib,24,,,\n", "line 2: unknown entry 'nvidia-l5'"),
        (HEADER + "nvidia-l4-24gb,memory_gib,much,,,\n", "line 2: value: 'much' is not a number above zero"),
        (HEADER + "nvidia-l4-24gb,launched,soon,,,\n", "line 2: value: 'soon' is not a day"),
    ],
)
def test_a_wrong_file_is_one_line(run, tmp_path, text, message):
    file = tmp_path / "sheets.csv"
    file.write_text(text, "utf-8")
    answer = run(file)
    assert answer.exit_code == 2
    assert message in answer.output
    assert len(answer.output.splitlines()) == 1
    assert run(tmp_path / "none.csv").exit_code == 2
