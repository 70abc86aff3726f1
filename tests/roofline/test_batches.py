"""Batches of what waits, beside a simulation of the same."""

import numpy as np
import pytest

from advisor_roofline.batches import bearable_load, request_latency


def simulated(alone, slope, batch, load, requests=60_000):
    """Seconds of each request; the server takes what waits, up to a batch."""
    rate = load * batch / (alone + (batch - 1) * slope)
    arrivals = np.cumsum(np.random.default_rng(0).exponential(1 / rate, requests))
    done, now, first = np.zeros(requests), 0.0, 0
    while first < requests:
        now = max(now, arrivals[first])
        last = max(min(int(np.searchsorted(arrivals, now, side="right")), first + batch), first + 1)
        now += alone + (last - first - 1) * slope
        done[first:last] = now
        first = last
    return (done - arrivals)[requests // 10 :]


def one(*values):
    return [np.array([float(value)]) for value in values]


@pytest.mark.parametrize("load", [0.1, 0.3, 0.6, 0.8])
@pytest.mark.parametrize("slope", [0.01, 0.15])
@pytest.mark.parametrize("batch", [1, 8, 64, 512])
def test_mean_and_percentiles_within_a_tenth_of_a_simulation(batch, slope, load):
    times, found = simulated(1.0, slope, batch, load), request_latency(*one(1.0, slope, batch, load))
    assert found.mean[0] == pytest.approx(times.mean(), rel=0.1)
    for share in (0.5, 0.95):
        # in half of the cases a median lies on the edge of the idle ones
        assert found.quantile(share)[0] == pytest.approx(np.quantile(times, share), rel=0.12)


def test_the_bearable_load_keeps_within_the_bound_and_a_little_more_does_not():
    alone, slope, batch = one(0.01, 0.0004, 32)
    bound = np.array([0.035])
    load = bearable_load(alone, slope, batch, 0.95, bound, 0.8)
    assert 0 < load[0] < 0.8
    assert request_latency(alone, slope, batch, load).quantile(0.95)[0] <= 0.035 * 1.01
    assert request_latency(alone, slope, batch, load * 1.05).quantile(0.95)[0] > 0.035
    assert bearable_load(alone, slope, batch, 0.95, np.array([0.009]), 0.8)[0] == 0
