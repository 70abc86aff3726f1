"""Training that protects whom the data are about: DP-SGD, federated averaging, secure aggregation, and their cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Scorer, Technique

advisor_hook_version = 1


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return DP-SGD and federated averaging."""
    from advisor_private_training.federated import FederatedAveraging
    from advisor_private_training.private_gradients import PrivateGradients

    return [PrivateGradients(), FederatedAveraging()]


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Return what privacy is spent, and what traffic a federation takes."""
    from advisor_private_training.scorer import PrivateTrainingScorer

    return [PrivateTrainingScorer()]
