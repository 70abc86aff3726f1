"""Errors of estimates as draws, of which candidates share parts: those on a device, with a recipe, at a place."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from advisor.candidates import Array
from advisor.ranking.quasirandom import GENERATOR, normal_draws

#: Shares of the variance of an estimate's log error that all candidates of a backend have in common for one model,
#: and that those on one device have in common beyond it; the rest is the configuration's own. Fitted on
#: tests/truth by benchmarks/shared_errors.py (80 % intervals 0.19 to 0.34 and 0.39 to 0.53).
BACKEND_SHARE = 0.27
DEVICE_SHARE = 0.46

#: Half-width of an 80 % interval of a normal distribution, in standard deviations.
Z80 = 1.2815515655446004


class Sharing(NamedTuple):
    """What each of some candidates shares its errors with, one label a candidate.

    Equal ``configuration`` labels are one configuration at two prices: its error is the same.
    """

    backend: Sequence[Hashable]
    device: Sequence[Hashable]
    configuration: Sequence[Hashable]
    recipe: Sequence[Hashable]
    place: Sequence[Hashable]


def draw_errors(sharing: Sharing) -> dict[str, Array]:
    """Return (draws, candidates) standard normal errors for each thing that objectives err with.

    Positive is worse than estimated. ``device``: the sum of a part by backend, a part by device and a
    part of the configuration. ``recipe`` and ``place``: one error a recipe, one a place.
    """
    parts: dict[str, list[tuple[float, Sequence[Hashable]]]] = {
        "device": [(DEVICE_SHARE, sharing.device), (1 - BACKEND_SHARE - DEVICE_SHARE, sharing.configuration),
                   (BACKEND_SHARE, sharing.backend)],
        "recipe": [(1.0, sharing.recipe)],
        "place": [(1.0, sharing.place)],
    }  # fmt: skip
    codes: dict[str, list[tuple[float, list[int]]]] = {}
    used = 0
    for name, shares in parts.items():
        codes[name] = []
        for share, labels in shares:
            numbers = {label: used + number for number, label in enumerate(dict.fromkeys(labels))}
            used += len(numbers)
            codes[name].append((share, [numbers[label] for label in labels]))
    if used > len(GENERATOR):
        raise ValueError(f"{used} different errors; at most {len(GENERATOR)}: give fewer candidates")
    draws = normal_draws(used)
    return {name: np.asarray(sum(np.sqrt(share) * draws[:, columns] for share, columns in entries))
            for name, entries in codes.items()}  # fmt: skip
