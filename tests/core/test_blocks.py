"""Many candidates are evaluated in blocks: the answer is the same whatever their size, and memory is bounded."""

import gc
from itertools import chain

import numpy as np
import pytest

from advisor import Advisor, engine, pieces, recipes, survivors
from advisor.candidates import Candidates, Schema

QUESTIONS = {
    "serve": {"task": "serve", "request_rate": 4, "region": ("eu",), "kind": ("gpu",)},
    "infeasible": {"task": "serve", "request_rate": 4, "budget": 1, "region": ("eu",)},
    "train": {"task": "train", "tokens": "100M", "vendor": ("nvidia",), "region": ("eu",)},
    "finetune": {"task": "finetune", "method": "lora", "tokens": "10M", "device": ("l4", "l40s", "h100")},
}


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def asked(advisor, question, monkeypatch, block=None, most=None):
    """Rank with blocks of some size, keeping at most so many candidates."""
    if block is not None:
        monkeypatch.setattr(recipes, "BLOCK", block)
        monkeypatch.setattr(pieces.pieces, "__defaults__", (block,))
    if most is not None:
        monkeypatch.setattr(engine.rank, "__defaults__", (None, most, False))
    return advisor.rank("meta-llama/Llama-3.1-8B", **QUESTIONS[question])


def shown(ranking):
    return [[candidate.to_dict() for candidate in each] for each in (ranking.alternatives, ranking.infeasible)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_order_does_not_depend_on_the_blocks(advisor, question, monkeypatch):
    whole = asked(advisor, question, monkeypatch)
    parts = asked(advisor, question, monkeypatch, block=997)
    assert (parts.evaluated, parts.feasible_evaluated) == (whole.evaluated, whole.feasible_evaluated)
    assert parts.evaluated > 5 * 997
    assert shown(parts) == shown(whole)
    assert parts.context.left_out == whole.context.left_out
    first = [candidate.to_dict() for candidate, _ in zip(parts.everything(), range(50), strict=False)]
    assert first == [candidate.to_dict() for candidate, _ in zip(whole.everything(), range(50), strict=False)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_shown_is_kept(advisor, question, monkeypatch):
    """Of more candidates than are kept, those shown are the same; what dominates them may not have been kept."""
    whole = asked(advisor, question, monkeypatch)
    few = asked(advisor, question, monkeypatch, block=997, most=2000)
    assert len(few.rows) < len(whole.rows) / 2 or question == "finetune"
    assert (few.evaluated, few.feasible_evaluated) == (whole.evaluated, whole.feasible_evaluated)
    for one, other in zip(chain(*shown(few)), chain(*shown(whole)), strict=True):
        assert {**one, "pareto": None} == {**other, "pareto": None}
        assert one["pareto"] or not other["pareto"]
    broken = {violation.rule: violation.count for violation in few.violations if violation.count}
    assert broken == {violation.rule: violation.count for violation in whole.violations if violation.count}


def test_a_technique_that_fits_one_block_alone_is_used(advisor, monkeypatch):
    fields = {"task": "serve", "techniques": ("fp8",), "region": ("eu",)}
    whole = advisor.rank("meta-llama/Llama-3.1-8B", **fields)
    monkeypatch.setattr(recipes, "BLOCK", 64)
    parts = advisor.rank("meta-llama/Llama-3.1-8B", **fields)
    assert whole.feasible_count == parts.feasible_count > 0


@pytest.mark.parametrize("sizes", [[], [1], [5, 5, 5], [20, 1, 1], [1, 20, 1, 9, 9], [0, 0, 3]])
def test_pieces_hold_every_row_once_and_no_more_than_asked(sizes):
    rows = Candidates(len(sizes), Schema([]))
    rows["system"] = np.arange(len(sizes), dtype=np.int32)
    found = [piece["system"].tolist() for piece in pieces.pieces(rows, np.array(sizes, dtype=int), 10)]
    assert list(chain(*found)) == list(range(len(sizes)))
    assert all(sum(sizes[row] for row in piece) <= 10 or len(piece) == 1 for piece in found)


def test_nothing_of_a_block_is_held_but_what_is_kept(advisor, monkeypatch):
    """Tables of blocks go when the next one comes: a closure that held one would hold them all."""
    alive = []
    add = survivors.Survivors.add

    def watched(self, block):
        add(self, block)
        alive.append(sum(len(table) for table in gc.get_objects() if isinstance(table, Candidates)))

    monkeypatch.setattr(survivors.Survivors, "add", watched)
    ranking = asked(advisor, "train", monkeypatch, block=4000, most=8000)
    assert len(alive) > 10
    early, late = alive[len(alive) // 4], alive[-1]
    assert late < early + 16_000
    assert ranking.evaluated > 60_000
