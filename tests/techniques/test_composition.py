"""Every pair of techniques, and what all of them owe the engine."""

from itertools import permutations

import numpy as np
import pytest

from advisor.batches import batch_rows
from advisor.candidates import Candidates
from advisor.expand import make_schema, start_rows
from advisor.interfaces import STAGES
from advisor.recipes import Choices, apply_techniques

from .made import CLASSIFIER, CONVOLUTIONAL, LLAMA_31_8B, MIXTRAL, all_techniques, context, refused, start

TECHNIQUES = {technique.name: technique for technique in all_techniques()}
TASKS = {
    "serve": {"task": "serve"},
    "train": {"task": "train", "seq_len": 65536},
    "finetune": {"task": "finetune", "method": "qlora"},
}
SETTINGS = {
    "tensor_parallel": 2, "pipeline_parallel": 2, "expert_parallel": 2, "context_parallel": 2, "virtual_stages": 2,
    "data_parallel": 2,
    "recompute": "full", "structured_pruning": "0.67", "depth_pruning": "0.5", "head_pruning": "0.5", "low_rank": "0.8",
    "vocabulary_trimming": "0.5", "freezing": "0.5",
}  # fmt: skip


@pytest.mark.parametrize("technique", TECHNIQUES.values(), ids=TECHNIQUES)
def test_declares_itself(technique):
    assert technique.doc
    assert technique.stage in STAGES
    assert technique.sources
    for source in technique.sources:
        assert source.title
        assert source.url.startswith("https://")


def test_names_and_aliases_are_unambiguous():
    names = [name for technique in TECHNIQUES.values() for name in (technique.name, *technique.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("model", [LLAMA_31_8B, MIXTRAL, CLASSIFIER, CONVOLUTIONAL], ids=lambda model: model.name)
@pytest.mark.parametrize("task", TASKS)
def test_every_pair_composes(model, task):
    """In either order: finite columns, quality in its interval, and refusals of the right shape."""
    ctx = context(model, **TASKS[task], techniques=tuple(TECHNIQUES))
    schema = make_schema(list(TECHNIQUES.values()), [])
    systems = np.arange(len(ctx.system_list))
    fresh = start_rows(ctx, schema, systems, np.full(len(systems), 2))
    for first, second in permutations(TECHNIQUES.values(), 2):
        if first.slot == second.slot or STAGES.index(first.stage) > STAGES.index(second.stage):
            continue
        rows = fresh.copy()
        for technique in (first, second):
            refused(technique.apply(rows, SETTINGS.get(technique.name, ""), ctx), rows)
        for name in rows.names:
            assert np.isfinite(rows[name].astype(float)).all(), (first.name, second.name, name)
        quality, low, high = rows["quality"], rows["quality.low"], rows["quality.high"]
        assert ((low > 0) & (low <= quality) & (quality <= high) & (quality <= 1.02)).all(), (first.name, second.name)
        assert (rows["weight_bits"] > 0).all()
        assert ((rows["parameter_share"] > 0) & (rows["parameter_share"] <= 1)).all()


@pytest.mark.parametrize("technique", TECHNIQUES.values(), ids=TECHNIQUES)
@pytest.mark.parametrize("task", TASKS)
def test_offers_only_what_it_can_apply(technique, task):
    for model in (LLAMA_31_8B, MIXTRAL, CLASSIFIER, CONVOLUTIONAL):
        ctx = context(model, **TASKS[task])
        for setting in technique.settings(ctx):
            rows = start(ctx, nodes=2)
            refused(technique.apply(rows, setting, ctx), rows)


@pytest.mark.parametrize("task", TASKS)
def test_the_engine_expands_them(task):
    """All of them together leave legal recipes, few enough to estimate in an instant."""
    ctx = context(**TASKS[task])
    techniques = list(TECHNIQUES.values())
    choices = Choices()
    owners = {technique.name: "tests" for technique in techniques}
    rows = Candidates.concat(list(apply_techniques(start(ctx), techniques, owners, ctx, choices)))
    assert len(rows)
    assert not ctx.warnings
    recipes = [choices.recipe(rows, row) for row in range(len(rows))]
    if task == "finetune":
        assert all(recipe["adaptation"] == "qlora" for recipe in recipes)
    assert len(rows) < 150 * len(ctx.system_list)
    assert len(batch_rows(rows, ctx))


def test_a_pin_leaves_only_itself():
    ctx = context(techniques=("awq", "tp=4"))
    techniques = list(TECHNIQUES.values())
    choices = Choices()
    owners = {t.name: "tests" for t in techniques}
    rows = Candidates.concat(list(apply_techniques(start(ctx), techniques, owners, ctx, choices)))
    recipes = [choices.recipe(rows, row) for row in range(len(rows))]
    assert recipes
    assert {(recipe["weights"], recipe["tensor"]) for recipe in recipes} == {("awq", "tensor_parallel=4")}
