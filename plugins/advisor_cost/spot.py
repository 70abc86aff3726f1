"""What interruptions of spot systems add to the time that is paid for."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor_cost.prices import Prices, cost_figures
from advisor_energy.intervals import Interval


def paid_share(rows: Candidates, context: Context, asked: Prices) -> Interval:
    """Return hours paid over hours of work done: 1 but for spot.

    Training loses a restart and half a checkpoint interval at every interruption, and the time of
    the checkpoints; at the best interval the latter two come to sqrt(2 x checkpoint time x rate)
    (Young, A first order approximation to the optimum checkpoint interval, CACM 17(9), 1974).
    Serving and batch work lose the restart alone. An interruption of any system stops its unit.
    """
    interrupted = asked.interruptions.take(rows["offer"]) * rows["nodes"]  # of one unit, an hour
    if not interrupted.high.any():
        return Interval.exact(1.0)
    figures = cost_figures()
    lost = interrupted * figures["restart_hours"].interval
    if context.workload.trains:
        checkpoints = interrupted * figures["checkpoint_hours"].interval
        lost = lost + Interval(*(np.sqrt(2 * end) for end in checkpoints.ends))
    return Interval(1 + lost.value, 1 + lost.low, 1 + lost.high)
