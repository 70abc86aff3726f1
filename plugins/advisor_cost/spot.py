"""What interruptions of spot systems add to the time that is paid for."""

from __future__ import annotations

import numpy as np

from advisor_cost.prices import Prices, cost_figures
from advisor_energy.intervals import Interval
from advisor_energy.sight import Sight


def paid_share(sight: Sight, asked: Prices) -> Interval:
    """Return hours paid over hours of work done: 1 but for spot.

    Training loses a restart and half a checkpoint interval at every interruption, and the time of
    the checkpoints; at the best interval the latter two come to sqrt(2 x checkpoint time x rate)
    (Young, A first order approximation to the optimum checkpoint interval, CACM 17(9), 1974).
    Serving and batch work lose the restart alone. An interruption of any system stops its unit.
    """
    if not asked.interruptions.high.any():
        return Interval.exact(1.0)
    interrupted = sight.take(asked.interruptions, sight["offer"]) * sight["nodes"]  # of one unit, an hour
    figures = sight.figures(cost_figures())
    lost = interrupted * sight.figure(figures["restart_hours"])
    if sight.context.workload.trains:
        checkpoints = interrupted * sight.figure(figures["checkpoint_hours"])
        lost = lost + Interval(*(np.sqrt(2 * end) for end in checkpoints.ends)) if sight.ends else Interval.exact(
            lost.value + np.sqrt(2 * checkpoints.value))  # fmt: skip
    return Interval(1 + lost.value, 1 + lost.low, 1 + lost.high) if sight.ends else Interval.exact(1 + lost.value)
