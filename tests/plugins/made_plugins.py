"""Plugins made on the spot, healthy and broken, and the question that they are asked."""

from __future__ import annotations

from advisor import Advisor, Backend, Column, Objective, Ranker, Scorer, Scores, Technique, hookimpl
from advisor.testing.samples import decoder, sample_device, sample_offers, sample_systems
from advisor.testing.users import SampleBackend, SampleHardware

MODEL = decoder()
SERVE = {"task": "serve", "request_rate": 2}


def plugin(advisor_name="bad", **hooks):
    """An object with the given hooks, each a function without arguments."""

    def method(function):
        return hookimpl(lambda self: function())

    body = {hook: method(function) for hook, function in hooks.items()}
    return type("Made", (), {"advisor_name": advisor_name, **body})()


def ask(*plugins, model=MODEL, ranker="", **fields):
    """Rank on the healthy hardware with these plugins beside it."""
    return Advisor([SampleHardware(), *plugins], discover=False).rank(model, ranker=ranker, **{**SERVE, **fields})


def answer(ranking):
    """The ranking without what is said of it."""
    document = ranking.to_dict()
    return {key: value for key, value in document.items() if key not in ("warnings", "left_out")}


def with_backend(backend):
    """A plugin with a device that the backend estimates, in systems and offers."""
    device = sample_device("odd", backend=backend.name if isinstance(backend.name, str) else "odd")
    systems = sample_systems([device])
    return plugin(devices=lambda: [device], systems=lambda: systems, offers=lambda: sample_offers(systems),
                  backends=lambda: [backend])  # fmt: skip


class OddBackend(SampleBackend):
    name = "odd"


class OddTechnique(Technique):
    """Healthy: fp8 weights on everything."""

    name = "odd"
    slot = "weights"
    stage = "formats"
    doc = "made for tests"

    def apply(self, rows, setting, context):
        rows["weight_bits"] = 8.0
        rows["requantized"] = True
        return []


class OddScorer(Scorer):
    """Healthy: one is as good as another."""

    name = "odd"
    doc = "made for tests"

    def objectives(self, context):
        return [Objective("oddity", "", "minimize", "made for tests", aspect="oddity")]

    def score(self, rows, context):
        return Scores({"oddity": (1.0, 0.5, 2.0)})


class OddRanker(Ranker):
    name = "odd"
    doc = "made for tests"

    def scores(self, losses, weights):
        return losses @ weights


def variant(base, **members):
    """An object of a subclass with other members."""
    return type(f"Broken{base.__name__}", (base,), members)()


def changing(base, method, change, **members):
    """An object whose method does its work and then lets ``change`` spoil the table."""

    def spoiled(self, rows, *rest):
        found = getattr(base, method)(self, rows, *rest)
        change(rows)
        return found

    return variant(base, **{method: spoiled, **members})


def raising(error):
    def function(*_, **__):
        raise error

    return function


WRONG_UNIT = (Column("memory", "GB", "f8", "known in bytes", stage="estimate", interval=True),)
__all__ = ["Advisor", "Backend", "SampleHardware"]
