"""The queueing model beside a discrete-event simulation of a replica with continuous batching."""

import csv

import numpy as np
import pytest
from queueing_simulation import RECORD, REPLICAS, SHARES, one, simulate

from advisor_roofline.queueing import Replica, largest_rate, latency

ROWS = list(csv.DictReader(RECORD.open()))
LOADS = (0.3, 0.6, 0.8, 0.9)


def predicted(replica, load):
    met = latency(replica, load * replica.capacity)
    return [mixture.quantile(share)[0] for mixture in (met.first_token, met.request) for share in SHARES]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['replica']}-{row['load']}")
def test_percentiles_within_a_tenth_of_millions_of_simulated_requests(row):
    simulated = [float(value) for name, value in row.items() if name.endswith("_s")]
    assert predicted(REPLICAS[row["replica"]], float(row["load"])) == pytest.approx(simulated, rel=0.1)


def test_the_record_is_the_whole_grid():
    recorded = [(row["replica"], float(row["load"])) for row in ROWS]
    assert recorded == [(name, load) for name in REPLICAS for load in LOADS]


@pytest.mark.parametrize("load", [0.3, 0.6])
@pytest.mark.parametrize("name", REPLICAS)
def test_percentiles_within_a_tenth_of_a_simulation_run_now(name, load):
    replica = REPLICAS[name]
    simulated = [np.quantile(times, share) for times in simulate(replica, load, 30_000) for share in SHARES]
    # the longest of few waits scatter by some percent in so short a run
    assert predicted(replica, load) == pytest.approx(simulated, rel=0.13)


@pytest.mark.parametrize("name", ["32 places", "8 places, fixed lengths"])
def test_the_record_is_what_a_simulation_run_now_gives(name):
    row = next(row for row in ROWS if row["replica"] == name and row["load"] == "0.9")
    times = simulate(REPLICAS[name], 0.9, 100_000, seed=1)
    simulated = [np.quantile(part, share) for part in times for share in SHARES]
    assert simulated == pytest.approx([float(value) for name, value in row.items() if name.endswith("_s")], rel=0.25)


def test_one_place_is_a_queue_with_one_server():
    """Pollaczek and Khinchine: mean wait = load x service x (1 + cv^2) / (2 (1 - load))."""
    replica = one(0.01, 0.0, 1e-6, 1, 1000)
    service = 1 / replica.capacity[0]
    for load in LOADS:
        waited = latency(replica, load * replica.capacity).first_token.mean[0]
        assert waited == pytest.approx(load * service / (2 * (1 - load)), rel=0.02)


def test_without_limits_little_holds_and_a_lone_request_takes_its_own_time():
    replica = one(0.01, 1e-4, 0.02, 64, 100)
    idle = latency(replica, 1e-6 * replica.capacity)
    alone = 0.02 + 99 * (0.01 + 1e-4)
    assert idle.request.mean[0] == pytest.approx(alone, rel=0.01)
    assert idle.first_token.quantile(0.95)[0] == pytest.approx(0.02, rel=0.01)
    busy = latency(replica, 0.5 * replica.capacity)
    assert busy.in_flight[0] == pytest.approx(0.5 * replica.capacity[0] * busy.request.mean[0], rel=0.02)


def test_everything_grows_with_the_rate_and_is_infinite_at_the_capacity():
    base = one(0.01, 1e-4, 0.02, 32, 128)
    shares = np.linspace(0.02, 1.0, 50)
    replica = Replica(*(np.full(50, value[0]) for value in
                        (base.base, base.slope, base.prefill, base.places, base.tokens, base.outside)))  # fmt: skip
    met = latency(replica, shares * replica.capacity)
    for mixture in (met.first_token, met.per_token, met.request):
        for share in (0.5, 0.95, 0.99):
            times = mixture.quantile(share)
            assert np.all(np.diff(times[:-1]) > -1e-3 * times[:-2])
            assert np.isinf(times[-1])
    assert met.waiting[-1] == 1


def test_largest_rate_meets_the_levels_and_no_more():
    replica = one(0.01, 1e-4, 0.02, 32, 128)
    rate = largest_rate(replica, first_token=0.3, request=3.0)
    kept = latency(replica, rate)
    assert kept.first_token.quantile(0.95)[0] <= 0.3
    more = latency(replica, rate * 1.01)
    assert more.first_token.quantile(0.95)[0] > 0.3 or more.request.quantile(0.95)[0] > 3.0
    assert largest_rate(replica, first_token=0.001)[0] == 0
    loose = largest_rate(replica, first_token=1e6)
    assert 0.9 * replica.capacity[0] < loose[0] < replica.capacity[0]


def test_rows_do_not_depend_on_each_other():
    several = Replica(*(np.array(values, dtype=float) for values in
                        zip((0.01, 1e-4, 0.02, 32, 128, 0.1), (0.02, 0, 0.3, 1, 1, 0), (0.001, 1e-6, 0, 4096, 30, 0),
                            strict=True)), spread=0.5, prompt_spread=1.0)  # fmt: skip
    rate = 0.7 * several.capacity
    together = latency(several, rate)
    assert np.isfinite(together.request.quantile(0.99)).all()
    for row in range(3):
        met = latency(several.take(np.array([row])), rate[row : row + 1])
        assert met.request.quantile(0.95)[0] == pytest.approx(together.request.quantile(0.95)[row], rel=1e-9)
        assert met.first_token.quantile(0.95)[0] == pytest.approx(together.first_token.quantile(0.95)[row], rel=1e-9)
