"""Latency of networks that answer at once, at a rate of requests: a server that takes what waits, up to a batch.

Requests arrive at random; a pass over k of them takes ``alone + (k - 1) x slope``. An arrival finds the server idle,
and takes a pass alone; or waits for the rest of the running pass and shares the next with those that came in it
(gated service, as Inoue, Performance Evaluation 147, 2021, has it for inference servers). The wait grows as that of
M/D/1 where a batch is full. ``tests/roofline/test_batches.py`` compares with a simulation up to a load of 0.8.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array
from advisor_roofline.distributions import Mixture

ITERATIONS = 40
HALVINGS = 12


def request_latency(alone: Array, slope: Array, batch: Array, load: Array) -> Mixture:
    """Seconds from a request to its answer at a load below 1, each row a server."""
    full = alone + (batch - 1) * slope
    rate = load * batch / full
    step = alone
    for _ in range(ITERATIONS):  # the mean pass: what came in the one before, or a lone request
        number = np.clip(rate * step + np.exp(-rate * step), 1.0, batch)
        step = 0.5 * (step + alone + (number - 1) * slope)
    several = batch > 1
    idle = np.where(several, np.exp(-rate * step), 1 - load) / rate
    busy = np.where(several, step / (step + idle), load)
    shared = np.minimum(rate * slope, 0.97)
    variance = np.where(several, slope**2 * rate * step / (1 - shared**2), 0.0)
    found = step + variance / step  # a longer pass is found more often
    wait = 0.5 * found / (1 - load**batch)
    came = np.where(several, np.minimum(rate * found, batch - 1), 0.0)
    own = alone + slope * came
    spread = found**2 / 12 + (wait - 0.5 * found) ** 2 + slope**2 * came + 0.08 * (slope * came) ** 2
    nothing = np.zeros_like(step)
    return Mixture(((1 - busy, nothing, alone, 1e-6 * alone**2), (busy, own, wait, spread)))


def bearable_load(alone: Array, slope: Array, batch: Array, share: float, bound: Array, most: float) -> Array:
    """The largest load, at most ``most``, at which ``share`` of the requests are answered within ``bound``; or 0."""
    low, high = np.zeros_like(alone), np.full_like(alone, most)

    def kept(load: Array) -> Array:
        late = request_latency(alone, slope, batch, np.maximum(load, 1e-6)).above(bound)
        return np.asarray((late <= 1 - share) & (alone <= bound))

    low = np.where(kept(high), high, low)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        fine = kept(middle)
        low, high = np.where(fine, middle, low), np.where(fine, high, middle)
    return low
