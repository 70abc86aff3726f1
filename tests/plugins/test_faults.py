"""A plugin that breaks is named in one line and left out; what is left is ranked as if it were not there."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from made_plugins import (
    MODEL,
    SERVE,
    WRONG_UNIT,
    OddBackend,
    OddRanker,
    OddScorer,
    OddTechnique,
    SampleHardware,
    answer,
    ask,
    changing,
    plugin,
    raising,
    variant,
    with_backend,
)

from advisor import Advisor, InputError, ModelEntry, ModelReader, Objective, Profile, Scores, hookimpl
from advisor.plugins import HOOKS, Plugins
from advisor.testing.samples import sample_device

HEALTHY = answer(ask())
RETURNING = [hook for hook in HOOKS if hook not in ("commands", "read_catalog")]


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("not even a message")


def survives(broken, **question):
    """Rank beside the broken plugin; return its one warning."""
    ranking = ask(broken, **question)
    assert answer(ranking) == answer(ask(**question)) if question else answer(ranking) == HEALTHY
    (line,) = ranking.to_dict()["warnings"]
    assert line.startswith("plugin 'bad'")
    assert "left out" in line
    assert "\n" not in line
    return line


def half(items):
    yield from items
    raise ValueError("half way")


HOOK_FAULTS = {
    "raises": raising(ValueError("first line\nsecond line")),
    "leaves": raising(SystemExit(3)),
    "raises an error without text": raising(NoText()),
    "raises the user's error": raising(InputError("not the user's fault")),
    "recurses without end": raising(RecursionError("maximum recursion depth exceeded")),
    "returns a number": lambda: 42,
    "returns text": lambda: ["a device"],
    "returns something else": lambda: [object()],
    "breaks half way": lambda: half([]),
}


@pytest.mark.parametrize("fault", HOOK_FAULTS)
@pytest.mark.parametrize("hook", RETURNING)
def test_broken_hook(hook, fault):
    broken = plugin(**{hook: HOOK_FAULTS[fault]})
    advisor = Advisor([SampleHardware(), broken], discover=False)
    ranking = advisor.rank(MODEL, **SERVE)
    for name in RETURNING:  # also those that this question does not need
        len(getattr(advisor.registry, name))
    assert answer(ranking) == HEALTHY
    (line,) = ranking.warnings
    assert line.startswith("plugin 'bad': hook " + hook)
    assert "left out" in line
    assert "\n" not in line


BACKEND_FAULTS = {
    "memory raises": variant(OddBackend, memory=raising(ZeroDivisionError("division by zero"))),
    "estimate raises": variant(OddBackend, estimate=raising(KeyError("sigma"))),
    "estimate leaves": variant(OddBackend, estimate=raising(SystemExit(1))),
    "raises the user's error": variant(OddBackend, estimate=raising(InputError("no such format"))),
    "sets no memory": variant(OddBackend, memory=lambda self, rows, context: None),
    "sets no time": variant(OddBackend, estimate=lambda self, rows, context: None),
    "wrong shape": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("step_time", np.ones(len(rows) + 1))),
    "two dimensions": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("step_time", np.ones((2, 2)))),
    "wrong dtype": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("step_time", "fast")),
    "complex": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("step_time", 1j)),
    "not a number": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("step_time", np.nan)),
    "infinite": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("power.high", np.inf)),
    "infinite part": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("time_link", np.inf)),
    "no throughput": changing(OddBackend, "estimate", lambda rows: rows.set_interval("samples_per_s", 0, 0, 0)),
    "negative memory": changing(OddBackend, "memory", lambda rows: rows.set_interval("memory", -1, -1, -1)),
    "outside its interval": changing(OddBackend, "estimate", lambda rows: rows.set_interval("step_time", 3, 1, 2)),
    "undeclared column": changing(OddBackend, "memory", lambda rows: rows.__setitem__("sparkle", 1.0)),
    "wild numbers": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("power.high", 1e300)),
    "changes the question": changing(OddBackend, "estimate", lambda rows: rows.__setitem__("output_tokens", np.nan)),
    "not an interval": changing(OddBackend, "memory", lambda rows: rows.set_interval("batch", 1, 1, 1)),
    "moves rows to another device": changing(OddBackend, "memory", lambda rows: rows.__setitem__("device", 10**6)),
}  # fmt: skip


@pytest.mark.parametrize("fault", BACKEND_FAULTS)
def test_broken_backend(fault):
    ranking = ask(with_backend(BACKEND_FAULTS[fault]))
    assert {candidate["device"] for candidate in ranking.to_dict()["candidates"]} == {"sample"}
    assert answer(ranking) == HEALTHY
    (line,) = ranking.warnings
    assert line.startswith("plugin 'bad': backend 'odd' left out")
    assert "\n" not in line
    assert ranking.to_dict()["left_out"]["backend odd failed"] > 0
    assert any("odd" in reason for reason in ranking.explain().left_out)


@pytest.mark.parametrize("field", [{"backend": "missing"}, {"kind": "abacus"}])
def test_device_without_backend(field):
    broken = with_backend(OddBackend())
    device = sample_device("odd", **field)
    broken.devices = lambda: [device]
    ranking = ask(plugin(devices=lambda: [device], systems=broken.systems, offers=broken.offers))
    assert answer(ranking) == HEALTHY
    assert len(ranking.warnings) == 1


def spoil(name, value):
    return lambda rows: rows.__setitem__(name, value)


TECHNIQUE_FAULTS = {
    "apply raises": variant(OddTechnique, apply=raising(AttributeError("no such thing"))),
    "settings raises": variant(OddTechnique, settings=raising(ValueError("no"))),
    "required raises": variant(OddTechnique, required=raising(ValueError("no"))),
    "settings without end": variant(OddTechnique, settings=lambda self, context: itertools.count()),
    "settings of objects": variant(OddTechnique, settings=lambda self, context: [object()]),
    "settings of arrays": variant(OddTechnique, settings=lambda self, context: [np.zeros(3)]),
    "no settings": variant(OddTechnique, settings=lambda self, context: None),
    "refuses rows of another table": variant(OddTechnique, apply=lambda self, rows, s, c: [(np.ones(3, bool), "no")]),
    "refuses without a reason": variant(OddTechnique, apply=lambda self, rows, s, c: [np.ones(len(rows), bool)]),
    "refuses by a number": variant(OddTechnique, apply=lambda self, rows, s, c: 5),
    "wrong shape": changing(OddTechnique, "apply", lambda rows: rows.__setitem__("weight_bits", np.ones(3))),
    "wrong dtype": changing(OddTechnique, "apply", spoil("weight_format", 1.5)),
    "text": changing(OddTechnique, "apply", spoil("weight_bits", "four")),
    "not a number": changing(OddTechnique, "apply", spoil("weight_bits", np.nan)),
    "negative": changing(OddTechnique, "apply", spoil("weight_bits", -4.0)),
    "no bits": changing(OddTechnique, "apply", spoil("weight_bits", 0.0)),
    "endless work": changing(OddTechnique, "apply", spoil("flops_share", 1e300)),
    "no tokens": changing(OddTechnique, "apply", spoil("output_tokens", 0.0)),
    "estimates": changing(OddTechnique, "apply", spoil("memory_cache", -1.0)),
    "another framework": changing(OddTechnique, "apply", spoil("framework", np.int16(7))),
    "no such format": changing(OddTechnique, "apply", spoil("weight_format", np.int8(99))),
    "no devices": changing(OddTechnique, "apply", spoil("tensor_parallel", 0)),
    "undeclared column": changing(OddTechnique, "apply", spoil("sparkle", 1.0)),
    "quality outside its interval": changing(OddTechnique, "apply", spoil("quality", 0.5)),
    "moves rows to a system that is not": changing(OddTechnique, "apply", spoil("system", 10**6)),
    "claims another choice": changing(OddTechnique, "apply", spoil("choice.weights", np.int16(77))),
    "wrong unit": variant(OddTechnique, columns=WRONG_UNIT),
    "columns of text": variant(OddTechnique, columns=("weight_bits",)),
    "no slot": variant(OddTechnique, slot=None),
    "no such stage": variant(OddTechnique, stage="afterwards"),
    "aliases of numbers": variant(OddTechnique, aliases=(1, 2)),
    "no name": variant(OddTechnique, name=""),
    "a name that raises": variant(OddTechnique, name=property(raising(RuntimeError("no name")))),
}  # fmt: skip


@pytest.mark.parametrize("fault", TECHNIQUE_FAULTS)
def test_broken_technique(fault):
    survives(plugin(techniques=lambda: [TECHNIQUE_FAULTS[fault]]))


def test_asking_for_a_broken_technique_says_why():
    broken = plugin(techniques=lambda: [TECHNIQUE_FAULTS["apply raises"]])
    with pytest.raises(InputError, match=r"odd.*no such thing"):
        ask(broken, techniques=("odd",))


def scored(*answer, **more):
    return lambda self, rows, context: Scores({"oddity": answer}, **more)


def measuring(**fields):
    known = {"name": "oddity", "unit": "", "direction": "minimize", "doc": "", "aspect": "oddity"}
    return variant(OddScorer, objectives=lambda self, context: [Objective(**{**known, **fields})])


SCORER_FAULTS = {
    "score raises": variant(OddScorer, score=raising(ValueError("no"))),
    "score leaves": variant(OddScorer, score=raising(SystemExit(1))),
    "objectives raises": variant(OddScorer, objectives=raising(ValueError("no"))),
    "objectives of text": variant(OddScorer, objectives=lambda self, context: ["oddity"]),
    "gives nothing": variant(OddScorer, score=lambda self, rows, context: None),
    "gives a dictionary": variant(OddScorer, score=lambda self, rows, context: {"oddity": (1, 1, 1)}),
    "forgets its objective": variant(OddScorer, score=lambda self, rows, context: Scores({})),
    "gives two arrays": variant(OddScorer, score=scored(1.0, 1.0)),
    "wrong shape": variant(OddScorer, score=scored(np.ones(7), np.ones(7), np.ones(7))),
    "text": variant(OddScorer, score=scored("1", "1", "1")),
    "objects": variant(OddScorer, score=scored(None, None, None)),
    "not a number": variant(OddScorer, score=scored(np.nan, np.nan, np.nan)),
    "infinite": variant(OddScorer, score=scored(1.0, 1.0, np.inf)),
    "outside its interval": variant(OddScorer, score=scored(3.0, 1.0, 2.0)),
    "parts of another shape": variant(OddScorer, score=scored(1, 1, 1, parts={"oddity": {"a": np.ones(3)}})),
    "excludes rows of another table": variant(OddScorer, score=scored(1, 1, 1, exclusions=[(np.ones(3, bool), "no")])),
    "undeclared column": changing(OddScorer, "score", spoil("sparkle", 1.0)),
    "wrong unit": variant(OddScorer, columns=WRONG_UNIT),
    "direction": measuring(direction="sideways"),
    "span": measuring(scale="linear", span=0.0),
    "limited by a list": measuring(limited_by="device"),
    "taken name": measuring(name="request_latency"),
    "unit of no text": measuring(unit=None),
}  # fmt: skip


@pytest.mark.parametrize("fault", SCORER_FAULTS)
def test_broken_scorer(fault):
    survives(plugin(scorers=lambda: [SCORER_FAULTS[fault]]))


def test_scorer_that_overwrites_the_table_changes_nothing():
    vandal = changing(OddScorer, "score", spoil("device", 10**6))
    ranking = ask(plugin(scorers=lambda: [vandal]))
    assert not ranking.warnings
    assert answer(ranking) == answer(ask(plugin(scorers=lambda: [OddScorer()])))


RANKER_FAULTS = {
    "raises": raising(ValueError("no")),
    "raises the user's error": raising(InputError("no")),
    "wrong shape": lambda self, losses, weights: np.ones(3),
    "text": lambda self, losses, weights: np.full(len(losses), "a"),
    "not a number": lambda self, losses, weights: np.full(len(losses), np.nan),
    "writes in what it was given": lambda self, losses, weights: losses.__setitem__(slice(None), 0.0),
}


@pytest.mark.parametrize("fault", RANKER_FAULTS)
def test_broken_ranker(fault):
    ranking = ask(plugin(rankers=lambda: [variant(OddRanker, scores=RANKER_FAULTS[fault])]), ranker="odd")
    assert answer(ranking) == HEALTHY  # the plain weighted sum stands in
    (line,) = ranking.warnings
    assert line.startswith("plugin 'bad': ranker 'odd' left out")


@pytest.mark.parametrize("profile", [
    Profile("odd", {"cost": float("nan")}, default_for=("serve",)), Profile("odd", {"cost": -1}),
    Profile("odd", {"cost": "much"}), Profile("odd", {}), Profile("odd", {"cost": 1}, default_for=None),
    Profile("odd", {"cost": 1}, default_for="serve"), Profile("odd", None),
])  # fmt: skip
def test_broken_profile(profile):
    survives(plugin(profiles=lambda: [profile]))


@pytest.mark.parametrize("record", ["unchecked", "endless"])
def test_records_that_went_past_their_checks(record):
    broken = with_backend(OddBackend())
    device = sample_device("odd")
    made = {"unchecked": device.replace(memory_gib="much"),
            "endless": device.replace(memory_bandwidth_gb_per_s=float("inf"))}[record]  # fmt: skip
    ranking = ask(plugin(devices=lambda: [made], backends=broken.backends))
    assert answer(ranking) == HEALTHY
    assert [line for line in ranking.warnings if line.startswith("plugin 'bad': hook devices: device 'odd' left out")]


def test_systems_and_offers_that_refer_to_nothing():
    odd = with_backend(OddBackend())
    ranking = ask(plugin(systems=odd.systems))
    assert answer(ranking) == HEALTHY
    assert all("no device 'odd'" in line for line in ranking.warnings)


class OddReader(ModelReader):
    name = "odd"

    def claims(self, source):
        return True

    def read(self, source):
        return MODEL


@pytest.mark.parametrize("reader", [
    variant(OddReader, claims=raising(ValueError("no"))), variant(OddReader, read=raising(ValueError("no"))),
])  # fmt: skip
def test_broken_reader_lets_others_read(reader, tmp_path):
    (tmp_path / "model.json").write_text('{"acme_card": 1}')
    good = plugin("good", model_readers=lambda: [variant(OddReader, name="good")])
    advisor = Advisor([plugin(model_readers=lambda: [reader]), good], discover=False)
    assert advisor.read(tmp_path / "model.json").reader == "good"
    assert [line[:12] for line in advisor.warnings] == ["plugin 'bad'"]


@pytest.mark.parametrize("entry", [ModelEntry("odd", {}, aliases=(1,)), ModelEntry("odd", {}, aliases=None),
                                   ModelEntry("odd", None), ModelEntry(None, {})])  # fmt: skip
def test_broken_model_entry(entry):
    advisor = Advisor([plugin(models=lambda: [entry])], discover=False)
    assert len(advisor.registry.models) == 0
    assert len(advisor.warnings) == 1


def test_other_major_version_is_refused_with_a_sentence():
    newer = plugin(scorers=lambda: [OddScorer()])
    newer.advisor_hook_version = 99
    line = survives(newer)
    assert "version 99" in line
    assert "version 1" in line
    assert "install a matching release" in line


def test_attribute_that_raises():
    class Trap:
        advisor_name = "bad"

        @property
        def advisor_hook_version(self):
            raise RuntimeError("no version")

    survives(Trap())


def test_hook_with_an_argument_that_it_does_not_get():
    class Wrong:
        advisor_name = "bad"

        @hookimpl
        def devices(self, catalog):
            return []

    survives(Wrong())


def test_misspelt_hook_is_named():
    assert "did you mean devices" in survives(plugin(device=lambda: []))


def test_two_objects_of_one_name():
    first, second = plugin(scorers=lambda: [OddScorer()]), plugin(techniques=lambda: [OddTechnique()])
    ranking = ask(first, second)
    (line,) = ranking.warnings
    assert "advisor_name" in line
    assert "oddity" in ranking.best.objectives


def test_broken_plugins_together_leave_one_line_each():
    broken = [
        plugin("bad scorer", scorers=lambda: [SCORER_FAULTS["not a number"]]),
        plugin("bad technique", techniques=lambda: [TECHNIQUE_FAULTS["negative"]]),
        plugin("bad hook", offers=HOOK_FAULTS["raises"]),
    ]
    ranking = ask(*broken)
    assert answer(ranking) == HEALTHY
    assert sorted(line.split("'")[1] for line in ranking.warnings) == ["bad hook", "bad scorer", "bad technique"]


def test_import_that_fails(tmp_path, monkeypatch):
    for name, body in (("broken_import", "1 / 0"), ("leaving_import", "raise SystemExit(2)")):
        (tmp_path / f"{name}.py").write_text(body + "\n")
    folder = tmp_path / "broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[advisor]\none = broken_import\ntwo = leaving_import\nthree = missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins = Plugins()
    lines = [line for line in plugins.warnings if "import failed" in line]
    assert [line.split("'")[1] for line in lines] == ["one", "three", "two"]
    assert "ZeroDivisionError" in lines[0]
    assert {"cpu", "gpu", "tpu"} <= {info.name for info in plugins.info()}


class Cost(OddScorer):
    """Measures what a budget limits."""

    name = "cost"

    def objectives(self, context):
        return [Objective("bill", "USD", "minimize", "made for tests", aspect="cost", limited_by="budget")]

    def score(self, rows, context):
        return Scores({"bill": (5.0, 5.0, 5.0)})


def test_limit_that_a_failed_scorer_would_have_measured():
    whole = ask(plugin(scorers=lambda: [Cost()]), budget=1)
    assert not len(whole)
    assert not whole.warnings
    broken = ask(plugin(scorers=lambda: [variant(Cost, score=raising(ValueError("no")))]), budget=1)
    assert len(broken)
    assert [line.split()[0] for line in broken.warnings] == ["plugin", "budget"]
    assert "was not applied" in broken.warnings[1]


def test_optimizing_what_a_failed_scorer_would_have_measured_says_why():
    with pytest.raises(InputError, match=r"aspect to optimize 'cost'.*'bad': scorer 'cost' left out.*no price"):
        ask(plugin(scorers=lambda: [variant(Cost, score=raising(ValueError("no price")))]), optimize="cost")


def reads_catalogs(function):
    return type("Made", (), {"advisor_name": "bad", "read_catalog": hookimpl(lambda self, folder: function(folder))})()


def test_reading_a_catalog_folder_may_fail(tmp_path):
    for fault in (raising(ValueError("first line\nsecond line")), lambda folder: 42):
        advisor = Advisor([SampleHardware(), reads_catalogs(fault)], discover=False, catalogs=[tmp_path])
        ranking = advisor.rank(MODEL, **SERVE)
        assert ranking.best.offer.id == ask().best.offer.id
        (line,) = advisor.warnings
        assert line.startswith("plugin 'bad': hook read_catalog")
    user = reads_catalogs(raising(InputError("prices.txt: not a number")))
    with pytest.raises(InputError, match=r"prices\.txt"):
        Advisor([SampleHardware(), user], discover=False, catalogs=[tmp_path]).rank(MODEL, **SERVE)


def test_a_folder_that_no_plugin_knows_is_refused(tmp_path):
    mine = reads_catalogs(lambda folder: {"offers": []} if (folder / "mine.txt").exists() else {})
    advisor = Advisor([SampleHardware(), mine], discover=False, catalogs=[tmp_path])
    with pytest.raises(InputError, match="holds no catalog that a plugin knows"):
        advisor.rank(MODEL, **SERVE)
    (tmp_path / "mine.txt").touch()
    assert Advisor([SampleHardware(), mine], discover=False, catalogs=[tmp_path]).rank(MODEL, **SERVE).best
    with pytest.raises(InputError, match="no such catalog folder"):
        Advisor([SampleHardware(), mine], discover=False, catalogs=[tmp_path / "none"]).rank(MODEL, **SERVE)


@pytest.mark.parametrize(("odd", "words"), [(object(), "implements no hook"), ("my_plugin", "hand over the module")])
def test_what_adds_nothing_is_named(odd, words):
    (line,) = ask(odd).warnings
    assert words in line


def test_version_that_is_no_number():
    text = plugin(scorers=list)
    text.advisor_hook_version = "1"
    assert "version '1'" in survives(text)


def test_a_module_that_is_installed_already():
    import advisor_gpu

    (line,) = Advisor([advisor_gpu]).warnings
    assert line == "plugin 'advisor_gpu' left out: it is there already as 'gpu'"
