"""The same question has the same answer, whatever came in what order, and in whichever process."""

import os
import random
import subprocess
import sys
from importlib.metadata import entry_points

import numpy as np
import pytest

from advisor import Advisor, hookimpl
from advisor.ranking.ordering import row_scores
from advisor.ranking.preference import objective_weights

QUESTIONS = [
    {"task": "serve", "request_rate": 4, "max_ttft": "500ms", "region": ("eu",)},
    {"task": "finetune", "method": "lora", "tokens": "100M", "region": ("eu",)},
    {"task": "batch", "rows": 1000, "ranker": "topsis", "region": ("us",)},
]
MODEL = "meta-llama/Llama-3.1-8B"


class ShuffledCatalog:
    """What the catalogs hold, in another order."""

    advisor_name = "shuffled"

    def __init__(self, advisor, seed):
        self.registry = advisor.registry
        self.seed = seed

    def shuffled(self, records):
        records = list(records)
        random.Random(self.seed).shuffle(records)
        return records

    @hookimpl
    def devices(self):
        return self.shuffled(self.registry.devices)

    @hookimpl
    def systems(self):
        return self.shuffled(self.registry.systems)

    @hookimpl
    def offers(self):
        return self.shuffled(self.registry.offers)

    @hookimpl
    def models(self):
        return self.shuffled(self.registry.models)


@pytest.fixture(scope="module")
def answers(advisor):
    return [advisor.rank(MODEL, **question).to_json() for question in QUESTIONS]


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_the_catalogs(advisor, answers, seed):
    other = Advisor([ShuffledCatalog(advisor, seed)], without=["catalogs"])
    assert [device.id for device in other.registry.devices] != [device.id for device in advisor.registry.devices]
    for question, answer in zip(QUESTIONS, answers, strict=True):
        assert other.rank(MODEL, **question).to_json() == answer


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_plugins(answers, seed):
    class Named:
        """A plugin module under the name of its entry point."""

        def __init__(self, entry):
            module = entry.load()
            self.advisor_name = entry.name
            for name, value in vars(module).items():
                if callable(value) and hasattr(value, "advisor_impl"):
                    setattr(self, name, value)

    plugins = [Named(entry) for entry in entry_points(group="advisor")]
    random.Random(seed).shuffle(plugins)
    other = Advisor(plugins, discover=False)
    for question, answer in zip(QUESTIONS, answers, strict=True):
        assert other.rank(MODEL, **question).to_json() == answer


def test_another_process_with_other_hashes(answers):
    code = f"from advisor import Advisor\nprint(Advisor().rank({MODEL!r}, **{QUESTIONS[0]!r}).to_json())"
    for seed in ("1", "2"):
        result = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed},
                                capture_output=True, text=True, check=True)  # fmt: skip
        assert result.stdout.strip() == answers[0]


def test_rows_score_the_same_in_any_chunks(advisor):
    ranking = advisor.rank(MODEL, **QUESTIONS[0])
    judged = [item.objective for item in ranking.measured if item.objective.aspect]
    weights = objective_weights(judged, ranking.weights)
    aspects = [objective.aspect for objective in judged]
    for name in ranking.registry.rankers:
        ranking.context.ranker = name
        feasible = ranking.losses[: ranking.feasible_count]
        score = row_scores(feasible, weights, aspects, ranking.context, ranking.registry)
        whole = score(ranking.losses)
        for size in (1000, 777):
            parts = [score(ranking.losses[start : start + size]) for start in range(0, len(whole), size)]
            assert np.array_equal(np.concatenate(parts), whole)
