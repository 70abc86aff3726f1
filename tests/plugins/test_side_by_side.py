"""Advisors with different plugins, threads, and the order in which plugins are given."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from made_plugins import (
    MODEL,
    SERVE,
    OddBackend,
    OddRanker,
    OddScorer,
    OddTechnique,
    SampleHardware,
    plugin,
    raising,
    variant,
    with_backend,
)

from advisor import Advisor, UnknownNameError
from advisor.plugins import Plugins
from advisor.testing.samples import questions, sample_device


def parts():
    """Several plugins that add to one answer, two of them broken."""
    odd = with_backend(OddBackend())
    return [
        SampleHardware(),
        plugin("hardware", devices=odd.devices, systems=odd.systems, offers=odd.offers, backends=odd.backends),
        plugin("technique", techniques=lambda: [OddTechnique(), variant(OddTechnique, name="even")]),
        plugin("scorer", scorers=lambda: [OddScorer()]),
        plugin("broken", scorers=lambda: [variant(OddScorer, name="broken", score=raising(ValueError("no")))]),
        plugin("failing", devices=raising(ValueError("no"))),
    ]


def test_order_of_plugins_does_not_matter():
    answers = set()
    for order in itertools.islice(itertools.permutations(parts()), 0, 720, 73):
        answers.add(Advisor(order, discover=False).rank(MODEL, **SERVE).to_json(everything=True))
    assert len(answers) == 1
    assert '"odd"' in answers.pop()


@pytest.mark.parametrize("question", questions())
def test_eight_threads_on_one_advisor(question):
    model, workload = questions()[question]
    alone = Advisor(parts(), discover=False).rank(model, workload).to_json(everything=True)
    shared = Advisor(parts(), discover=False)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: shared.rank(model, workload).to_json(everything=True), range(8)))
    assert answers == [alone] * 8


def test_threads_with_different_questions_do_not_mix():
    shared = Advisor(parts(), discover=False)
    asked = list(questions().values()) * 3
    alone = [Advisor(parts(), discover=False).rank(*question).to_json() for question in asked[:7]]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda question: shared.rank(*question).to_json(), asked))
    assert answers == alone * 3


def test_two_advisors_with_different_plugins():
    plain = Advisor([SampleHardware()], discover=False)
    before = plain.rank(MODEL, **SERVE).to_json()
    richer = Advisor(parts(), discover=False).rank(MODEL, **SERVE)
    assert {candidate.device.id for candidate in richer} == {"sample", "odd"}
    assert "oddity" in richer.best.objectives
    assert plain.rank(MODEL, **SERVE).to_json() == before
    assert [info.name for info in plain.plugins()] == ["sample hardware"]
    assert not plain.warnings


def test_objects_beside_the_installed_plugins():
    odd = with_backend(OddBackend())
    odd.advisor_name = "hardware"
    found = {info.name: info for info in Advisor([odd]).plugins()}
    assert found["hardware"].distribution == "(given by the application)"
    assert found["hardware"].hooks == ("backends", "devices", "offers", "systems")
    assert found["gpu"].distribution == "hardware-advisor"


def test_without_leaves_a_plugin_out():
    advisor = Advisor(parts(), discover=False, without=["scorer", "broken"])
    assert "oddity" not in advisor.rank(MODEL, **SERVE).best.objectives
    with pytest.raises(UnknownNameError, match="did you mean scorer"):
        Advisor(parts(), without=["scorrer"])


def test_the_first_by_name_has_a_disputed_thing():
    first = plugin("aa", devices=lambda: [sample_device("odd", memory_gib=1)])
    second = plugin("bb", devices=lambda: [sample_device("odd", memory_gib=2)])
    for order in ([first, second], [second, first]):
        advisor = Advisor(order, discover=False)
        assert advisor.registry.devices["odd"].memory_gib == 1
        assert advisor.warnings == ["plugin 'bb': device 'odd' left out: plugin 'aa' has it already"]


def test_a_plugin_cannot_take_the_place_of_a_built_in_one(tmp_path, monkeypatch):
    """Not even with a name that sorts first, an entry point of the same name, or a place first in the path."""
    (tmp_path / "taking.py").write_text(
        "from advisor import Backend, hookimpl\n"
        "class Taking(Backend):\n"
        "    name = 'gpu'\n"
        "    def memory(self, rows, context): raise ValueError\n"
        "    def estimate(self, rows, context): raise ValueError\n"
        "@hookimpl\ndef backends(): return [Taking()]\n"
    )
    folder = tmp_path / "taking-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: taking\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[advisor]\naaa = taking\ngpu = taking\n")
    monkeypatch.syspath_prepend(tmp_path)
    advisor = Advisor()
    assert type(advisor.registry.backends["gpu"]).__module__.startswith("advisor_gpu")
    assert "plugin 'aaa': backend 'gpu' left out: plugin 'gpu' has it already" in advisor.warnings
    assert any(line.startswith("plugin 'gpu' left out: another plugin has this name") for line in advisor.warnings)


def test_alias_of_one_technique_does_not_hide_the_name_of_another():
    greedy = variant(OddTechnique, name="greedy", aliases=("odd",))
    both = plugin("z", techniques=lambda: [greedy]), plugin("a", techniques=lambda: [OddTechnique()])
    ranking = Advisor([SampleHardware(), *both], discover=False).rank(MODEL, techniques=("odd",), **SERVE)
    assert ranking.best.recipe == {"weights": "odd"}


def test_ranker_of_a_plugin_by_name():
    made = plugin("ranker", rankers=lambda: [OddRanker()])
    advisor = Advisor([SampleHardware(), made], discover=False)
    assert len(advisor.rank(MODEL, ranker="odd", **SERVE))
    with pytest.raises(UnknownNameError, match="ranker 'od'"):
        advisor.rank(MODEL, ranker="od", **SERVE)


def test_trace_shows_each_call_of_a_hook():
    lines = []
    Plugins([SampleHardware()], discover=False, trace=lines.append).collect("devices", object)
    assert lines == ["devices() of plugin 'sample hardware'"]


@pytest.mark.parametrize("broken", [raising(ValueError("no")), raising(SystemExit(4))])
def test_command_hook_that_fails_leaves_the_command_line(broken):
    from advisor.cli.main import cli
    from advisor.cli.session import Session
    from advisor.hookspecs import hookimpl

    class Commands:
        advisor_name = "bad"
        commands = hookimpl(lambda self, group: broken())

    result = CliRunner().invoke(cli, ["--help"], obj=Session(plugins=[Commands()], discover=False))
    assert result.exit_code == 0
    assert "rank" in result.output
