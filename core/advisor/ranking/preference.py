"""From what the user prefers to weights over objectives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from advisor.candidates import Array
from advisor.errors import UnknownNameError
from advisor.interfaces import Objective, Profile
from advisor.workload import Workload


def aspect_weights(workload: Workload, aspects: list[str], profiles: Mapping[str, Profile]) -> dict[str, float]:
    """Weight of each aspect, summing to 1.

    ``optimize`` puts 1 on one aspect and a hair on the others, so that ties are broken by them.
    """
    if workload.optimize:
        if workload.optimize not in aspects:
            raise UnknownNameError("aspect to optimize", workload.optimize, aspects)
        chosen: Mapping[str, float] = {name: (1.0 if name == workload.optimize else 1e-4) for name in aspects}
    elif workload.weights:
        for name in workload.weights:
            if name not in aspects:
                raise UnknownNameError("weight", name, aspects)
        chosen = workload.weights
    else:
        profile = chosen_profile(workload, profiles)
        chosen = {} if profile is None else profile.weights
    known = {name: float(chosen.get(name, 0.0)) for name in aspects}
    total = sum(known.values())
    if total <= 0:
        return {name: 1 / len(aspects) for name in aspects}
    return {name: weight / total for name, weight in known.items()}


def chosen_profile(workload: Workload, profiles: Mapping[str, Profile]) -> Profile | None:
    """The profile that the user names, or that of the task where nothing else says what matters."""
    if workload.profile:
        if workload.profile not in profiles:
            raise UnknownNameError("profile", workload.profile, profiles)
        return profiles[workload.profile]
    if workload.optimize or workload.weights:
        return None
    return next((profile for profile in profiles.values() if workload.task in profile.default_for), None)


def objective_weights(objectives: list[Objective], weights: Mapping[str, float]) -> Array:
    """Weight of each objective: its aspect's."""
    return np.array([weights.get(objective.aspect, 0.0) if objective.aspect else 0.0 for objective in objectives])
