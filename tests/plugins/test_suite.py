"""The conformance suite complains of what the engine cannot see in one question, and of what it can."""

from __future__ import annotations

import time

import numpy as np
import pytest
from made_plugins import (
    OddBackend,
    OddRanker,
    OddScorer,
    OddTechnique,
    changing,
    plugin,
    raising,
    variant,
    with_backend,
)

from advisor import Exporter, ModelFileError, ModelReader, Objective, Profile, Scores, hookimpl
from advisor.testing import ConformanceError, check_plugin, checks
from advisor.testing.samples import MADE_UP, decoder, sample_device, sample_offers, sample_systems


def complaints(made, **options):
    with pytest.raises(ConformanceError) as caught:
        check_plugin(made, **options)
    return str(caught.value)


def test_healthy_plugin_passes():
    odd = with_backend(OddBackend())
    check_plugin(plugin("good", devices=odd.devices, systems=odd.systems, offers=odd.offers, backends=odd.backends,
                        techniques=lambda: [OddTechnique()], scorers=lambda: [OddScorer()],
                        rankers=lambda: [OddRanker()]))  # fmt: skip


def test_checks_have_names_and_run_one_by_one():
    found = checks(plugin("good", rankers=lambda: [OddRanker()]))
    assert len({check.name for check in found}) == len(found)
    for name, run in found:
        assert isinstance(name, str)
        run()


def scaled_by_rows(rows):
    rows.set_interval("step_time", *(rows[f"step_time{end}"] * len(rows) for end in ("", ".low", ".high")))
    rows["time_memory"] = rows["step_time"]


def slower_with_bandwidth(self, rows, context):
    OddBackend.estimate(self, rows, context)
    seconds = context.devices.memory_bandwidth[rows["device"]] / 1e12
    rows.set_interval("step_time", seconds, seconds, seconds)
    rows["time_memory"] = seconds


def random_power(rows):
    rows["power"] = rows["power"] * np.random.default_rng().uniform(0.9, 1.1, len(rows))


def memory_grows_with_capacity(self, rows, context):
    need = context.devices.memory_bytes[rows["device"]] ** 2 / 1e11
    rows["memory_weights"] = need
    rows.set_interval("memory", need, need, need)


BACKENDS = {
    "some of the rows alone": changing(OddBackend, "estimate", scaled_by_rows),
    "a second time": changing(OddBackend, "estimate", random_power),
    "memory_bandwidth_gb_per_s, 'step_time' rises": variant(OddBackend, estimate=slower_with_bandwidth),
    "no longer fit in memory": variant(OddBackend, memory=memory_grows_with_capacity),
    "do not add up": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("time_link", 1.0)),
    "changed column 'batch'": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("batch", 1.0)),
    "holds a number that is not finite": changing(OddBackend, "estimate", lambda r: r.__setitem__("time_link", np.nan)),
    "did not set": variant(OddBackend, estimate=lambda self, rows, context: None),
}  # fmt: skip


@pytest.mark.parametrize("complaint", BACKENDS)
def test_backend(complaint):
    assert complaint in complaints(with_backend(BACKENDS[complaint]))


TECHNIQUES = {
    "every candidate of the slot": variant(OddTechnique, required=lambda self, context: True),
    "names no source": changing(OddTechnique, "apply", lambda rows: rows.set_interval("quality", 0.9, 0.8, 1.0)),
    "refuses other rows when given fewer": variant(
        OddTechnique, apply=lambda self, rows, s, c: [(np.arange(len(rows)) == 0, "the first")]),
    "without a reason": variant(OddTechnique, apply=lambda self, rows, s, c: [(rows["nodes"] > 1, "")]),
    "expected bool": variant(OddTechnique, apply=lambda self, rows, s, c: [(rows["nodes"], "many nodes")]),
    "holds '='": variant(OddTechnique, name="odd=1"),
    "setting 'a' is given twice": variant(OddTechnique, settings=lambda self, context: ["a", "a"]),
    "no doc": variant(OddTechnique, doc=""),
}  # fmt: skip


@pytest.mark.parametrize("complaint", TECHNIQUES)
def test_technique(complaint):
    assert complaint in complaints(plugin(techniques=lambda: [TECHNIQUES[complaint]]))


SCORERS = {
    "numbers below zero": variant(OddScorer, score=lambda self, rows, c: Scores({"oddity": (-1.0, -1.0, -1.0)})),
    "some of the rows alone": variant(
        OddScorer, score=lambda self, rows, c: Scores({"oddity": (len(rows), len(rows), len(rows))})),
    "does not hold the value of score()": variant(
        OddScorer, score=lambda self, rows, c: Scores({"oddity": np.full(len(rows), 5.0)}),
        detail=lambda self, rows, c: Scores({"oddity": (1.0, 0.5, 2.0)})),
    "aspect 'oddity' is given twice": variant(OddScorer, objectives=lambda self, context: [
        Objective(name, "", "minimize", "doc", aspect="oddity") for name in ("a", "b")]),
}  # fmt: skip


@pytest.mark.parametrize("complaint", SCORERS)
def test_scorer(complaint):
    assert complaint in complaints(plugin(scorers=lambda: [SCORERS[complaint]]))


RANKERS = {
    "scores worse": variant(OddRanker, scores=lambda self, losses, weights: -(losses @ weights)),
    "order of the rows": variant(OddRanker, scores=lambda self, losses, weights: np.arange(len(losses)) * 1.0),
    "scores of shape": variant(OddRanker, scores=lambda self, losses, weights: losses),
    "read-only": variant(OddRanker, scores=lambda self, losses, weights: losses.sort(axis=0)),
    "override fitted": variant(
        OddRanker, scores=lambda self, losses, weights: losses @ weights / (losses @ weights).max(initial=1e-9)),
}


@pytest.mark.parametrize("complaint", RANKERS)
def test_ranker(complaint):
    assert complaint in complaints(plugin(rankers=lambda: [RANKERS[complaint]]))


class Reader(ModelReader):
    name = "odd"

    def claims(self, source):
        return source.path is not None and source.path.is_file()

    def read(self, source):
        raise ModelFileError(f"{source.name}: not for me")


READERS = {
    "expected ModelFileError": variant(Reader, read=raising(KeyError("layers"))),
    "within 2 s": variant(Reader, read=lambda self, source: time.sleep(2.1)),
    "read() gives a dict": variant(Reader, read=lambda self, source: {"layers": []}),
    "not a bool": variant(Reader, claims=lambda self, source: "perhaps"),
}


@pytest.mark.parametrize("complaint", READERS)
def test_reader(complaint):
    found = checks(plugin(model_readers=lambda: [READERS[complaint]]))
    (check,) = [check for check in found if check.name.endswith("hostile file: random bytes")]
    with pytest.raises(ConformanceError, match=complaint.replace("(", r"\(").replace(")", r"\)")):
        check.run()


def test_reader_of_samples(tmp_path):
    (tmp_path / "good.bin").write_bytes(b"good")
    good = variant(Reader, claims=lambda self, source: source.head.startswith(b"good"),
                   read=lambda self, source: decoder())  # fmt: skip
    check_plugin(plugin("good", model_readers=lambda: [good]), samples=[tmp_path / "good.bin"])
    said = complaints(plugin(model_readers=lambda: [Reader()]), samples=[tmp_path / "good.bin"])
    assert "good.bin: not read, though it is meant for this reader" in said


def test_records():
    device = sample_device("odd")
    systems = sample_systems([device])
    offers = sample_offers(systems)
    rows = {
        "no source": {"devices": lambda: [device.replace(sources={})]},
        "is given twice": {"devices": lambda: [device, device.replace(id="ODD")]},
        "which no plugin has": {"systems": lambda: systems},
        "is also a name of": {"devices": lambda: [device, sample_device("even", aliases=("odd",))]},
        "expected 0.1 to 100000": {"devices": lambda: [device.replace(board_power_w=350_000_000)]},
        "not in peak_tflops": {"devices": lambda: [device.replace(sparse=("fp6",))]},
        "neither price_usd_per_hour nor purchase_usd": {
            "devices": lambda: [device], "systems": lambda: systems,
            "offers": lambda: [offers[0].replace(price_usd_per_hour=None)]},
    }  # fmt: skip
    for complaint, hooks in rows.items():
        assert complaint in complaints(plugin(**hooks)), complaint
    assert MADE_UP


class Silent(Exporter):
    name = "silent"
    doc = "made for tests"

    def export(self, candidate, context):
        return ""


def test_exporter_profile_and_command():
    assert "gives no text" in complaints(plugin(exporters=lambda: [Silent()]))
    assert "default_for" in complaints(plugin(profiles=lambda: [Profile("p", {"cost": 1}, "doc", ("sleep",))]))

    class Commands:
        advisor_name = "bad"

        @hookimpl
        def commands(self, group):
            import click

            group.add_command(click.Command("rank", help="taken"))

    assert "command 'rank' is built in" in complaints(Commands())


def test_plugin_without_hooks_and_of_another_version():
    assert "implements no hook" in complaints(plugin("empty"))
    other = plugin(rankers=lambda: [OddRanker()])
    other.advisor_hook_version = 2
    assert "version 2" in complaints(other)


def test_module_in_the_place_of_a_hook(tmp_path, monkeypatch):
    package = tmp_path / "shadowed_plugin"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from advisor import hookimpl\n\n\n@hookimpl\ndef rankers():\n"
        "    from shadowed_plugin.rankers import make\n    return make()\n"
    )
    (package / "rankers.py").write_text("def make():\n    return []\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "rename the module" in complaints("shadowed_plugin")
