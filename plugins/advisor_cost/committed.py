"""Hours that are paid for and not used: bought and reserved hardware waits between jobs."""

from __future__ import annotations

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor_cost.prices import Prices
from advisor_energy.intervals import Interval


def unused_hours(rows: Candidates, context: Context, asked: Prices, fixed_per_hour: Array) -> Interval | None:
    """Return USD for waiting that fall on one hour of work: fixed costs x (1 / share of hours in use - 1).

    None for services, which use every hour, and where nothing is committed.
    """
    if context.workload.task == "serve" or (asked.use.value[:-1] == 1.0).all():
        return None
    use = asked.use.take(rows["offer"])
    return Interval(*(fixed_per_hour * (1 / share - 1) for share in (use.value, use.high, use.low)))

