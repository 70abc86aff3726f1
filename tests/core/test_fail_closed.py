"""A rule that the user asked for is never dropped in silence."""

import pytest

from advisor import Advisor


@pytest.mark.parametrize("asked", [{"policies": ("gdpr",)}, {"confidential": True}, {"data_region": "eu"}])
def test_without_a_scorer_that_checks_it_nothing_is_feasible(asked):
    ranking = Advisor(without=["privacy"]).rank("meta-llama/Llama-3.1-8B", task="serve", **asked)
    assert ranking.best is None
    assert any("no scorer checked it" in reason for reason in ranking.infeasible[0].reasons)
