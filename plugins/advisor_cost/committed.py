"""Hours that are paid for and not used: bought and reserved hardware waits between jobs."""

from __future__ import annotations

from advisor_cost.prices import Prices
from advisor_energy.intervals import Interval
from advisor_energy.sight import Sight


def unused_hours(sight: Sight, asked: Prices, fixed_per_hour: Interval) -> Interval | None:
    """Return USD for waiting that fall on one hour of work: fixed costs x (1 / share of hours in use - 1).

    None for services, which use every hour, and where nothing is committed.
    """
    if sight.context.workload.task == "serve" or (asked.use.value[:-1] == 1.0).all():
        return None
    use = sight.take(asked.use, sight["offer"])
    if not sight.ends:
        return Interval.exact(fixed_per_hour.value * (1 / use.value - 1))
    return Interval(*(fixed * (1 / share - 1) for fixed, share in zip(
        fixed_per_hour.ends, (use.value, use.high, use.low), strict=True)))  # fmt: skip
