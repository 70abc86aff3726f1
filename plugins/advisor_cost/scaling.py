"""A month of a service whose systems follow the day's traffic, where their terms allow it."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.errors import InputError
from advisor_cost.prices import is_committed
from advisor_cost.terms import Priced
from advisor_cost.traffic import Traffic
from advisor_energy.demand import HOURS_PER_MONTH

SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600.0


def scaled_month(here: Priced, traffic: Traffic) -> dict[str, Any]:
    """Return a month with autoscaling and without: systems rented by the hour are given back when they idle.

    Reserved and owned systems are paid for around the clock. Starting systems before the requests come, and the hour
    that a provider may bill at least, are not counted. Storage stays, egress follows the requests.
    """
    workload = here.context.workload
    if workload.task != "serve" or workload.request_rate is None:
        raise InputError("--traffic goes with --task serve and --request-rate, the rate of the busiest hour")
    units = float(here.rows["units"][0])
    unit_rate = float(here.rows["samples_per_s"][0]) / units
    running = traffic.units(workload.request_rate, unit_rate)
    fixed = here.value("cost_per_month")
    parts = here.parts("cost_per_month")
    follows = not is_committed(here.offer) and here.offer.term != "owned"
    once = parts.get("storage", 0.0)
    egress = parts.get("egress", 0.0)
    of_units = fixed - once - egress
    share = float(running.mean()) / units if follows else 1.0
    month = of_units * min(share, 1.0) + once + egress * traffic.mean
    requests = workload.request_rate * traffic.mean * SECONDS_PER_MONTH
    return {
        "profile": traffic.name, "source": traffic.source, "shares": list(traffic.shares),
        "mean_share": traffic.mean, "units_by_hour": [int(count) for count in running],
        "follows_traffic": follows, "usd_per_month_without": fixed - egress * (1 - traffic.mean),
        "usd_per_month": month, "usd_per_request": month / requests,
        "busy_share": float(np.sum(traffic.shares)) * workload.request_rate
        / (unit_rate * (float(running.sum()) if follows else 24 * units)),
    }  # fmt: skip
