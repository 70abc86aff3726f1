"""What is asked of a candidate and for how long: rates, hours, and the units needed if an estimate errs."""

from __future__ import annotations

import numpy as np

from advisor.context import Context
from advisor_energy.intervals import Interval
from advisor_energy.sight import Sight

HOURS_PER_MONTH = 730.0  # 8,760 / 12
HOURS_PER_YEAR = 8760.0
JOULES_PER_KWH = 3.6e6
LEAST_RATE = 1e-12  # samples a second


def has_end(context: Context) -> bool:
    """Whether the workload is a job that ends."""
    workload = context.workload
    return workload.task != "serve" and workload.samples_total(context.tokens_per_sample) is not None


def samples_per_second(sight: Sight) -> Interval:
    """Return samples or requests a second that all units together do at their load.

    A given request rate is what the user says, so it carries no interval; how sure the number of
    units is that it takes is in ``units_needed``.
    """
    rate = sight.column("samples_per_s") * sight["load"]
    value = np.maximum(rate.value, LEAST_RATE)  # so that a figure by the sample stays finite
    if not sight.ends or sight.context.workload.request_rate is not None:
        return Interval.exact(value)
    return Interval(value, np.maximum(rate.low, 1e-6 * value), np.maximum(rate.high, value))


def units_needed(sight: Sight) -> Interval:
    """Return the units that the request rate takes over those planned: 1 without a request rate.

    High: units to add where the low throughput could not carry the rate even at full load. Low:
    whole units that the high throughput would save.
    """
    if sight.context.workload.request_rate is None or not sight.ends:
        return Interval.exact(1.0)
    units = np.maximum(sight["units"], 1.0)
    rate = sight.column("samples_per_s")
    with np.errstate(divide="ignore", invalid="ignore"):
        short = np.where(rate.low > 0, sight["load"] * rate.value / rate.low, 1.0)
        spare = np.where(rate.high > 0, rate.value / rate.high, 1.0)
    more = np.ceil(units * np.maximum(short, 1.0) - 1e-9)
    fewer = np.maximum(np.ceil(units * np.minimum(spare, 1.0) - 1e-9), 1.0)
    return Interval(np.ones(len(units)), fewer / units, more / units)


def hours(sight: Sight) -> Interval:
    """Return the hours that are accounted for: the run of a job that ends, else a month."""
    if has_end(sight.context):
        return sight.column("run_time") * (1 / 3600)
    return Interval.exact(HOURS_PER_MONTH)
