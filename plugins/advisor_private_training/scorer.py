"""What private training spends: epsilon, and traffic of a federation with the time that it takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Objective, Scorer, Scores
from advisor_private_training.accountant import epsilon
from advisor_private_training.asked import named, samples, setting
from advisor_private_training.federated import (
    LINE_MBIT_PER_S,
    LOCAL_STEPS,
    SECURELY,
    FederatedAveraging,
    bytes_a_round,
)
from advisor_private_training.private_gradients import PrivateGradients

NOISE_MULTIPLIER = 1.0


class PrivateTrainingScorer(Scorer):
    """Epsilon of DP-SGD by an accountant; bytes and time of rounds of federated averaging."""

    name = "private_training"
    doc = "epsilon that DP-SGD spends, and what a client of a federation sends and waits for"
    columns = (SECURELY,)

    def objectives(self, context: Context) -> Sequence[Objective]:
        """Those of the techniques that the workload names."""
        found = []
        if named(PrivateGradients(), context):
            found.append(Objective("epsilon", "", "minimize", "privacy spent over the run, at the setting delta"))
        if named(FederatedAveraging(), context):
            found.append(Objective("federated_traffic", "B", "minimize", "bytes that one client receives and sends"))
            found.append(Objective("federated_exchange_time", "s", "minimize",
                                   "time that one client's line is busy with models, over the run"))  # fmt: skip
        return found

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; steps of the run are its samples over those of a step."""
        values: dict[str, tuple[Array, Array, Array]] = {}
        objectives = {objective.name for objective in self.objectives(context)}
        if "epsilon" in objectives:
            spent = _epsilon(rows, context)
            values["epsilon"] = (spent, spent, spent)
        if "federated_traffic" in objectives:
            steps = _steps(rows, context, "federated_averaging")
            rounds = np.ceil(steps / setting(context, "local_steps", LOCAL_STEPS))
            traffic = rounds * bytes_a_round(rows, context)
            # A line carries both directions at once; what is sent and received share its time evenly.
            seconds = traffic / 2 * 8 / (setting(context, "client_mbit_per_s", LINE_MBIT_PER_S) * 1e6)
            values["federated_traffic"] = (traffic, traffic, traffic)
            values["federated_exchange_time"] = (seconds, seconds, 2 * seconds)
        return Scores(values)


def _steps(rows: Candidates, context: Context, why: str) -> Array:
    total = samples(context, why) * context.workload.epochs
    return np.asarray(np.ceil(total / np.maximum(rows["global_batch"], 1)))


def _epsilon(rows: Candidates, context: Context) -> Array:
    """Epsilon by batch: few batches are tried, so each is accounted for once."""
    size = samples(context, "dp_sgd")
    noise = setting(context, "noise_multiplier", NOISE_MULTIPLIER)
    delta = setting(context, "delta", 1 / size)
    if delta >= 1:
        raise InputError(f"settings: delta: expected a number below 1, not {delta:g}")
    steps = _steps(rows, context, "dp_sgd")
    batches, where = np.unique(rows["global_batch"], return_inverse=True)
    of_batch = {float(batch): int(step) for batch, step in zip(rows["global_batch"], steps, strict=True)}
    spent = [epsilon(noise, min(1.0, float(batch) / size), of_batch[float(batch)], delta) for batch in batches]
    return np.array(spent)[where]
