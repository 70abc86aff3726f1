"""A discrete-event simulation (simpy) of a replica with continuous batching.

``python tests/roofline/queueing_simulation.py`` writes what millions of simulated requests met to
``queueing_simulated.csv`` (some minutes): percentiles at a load of 0.9 need as many.
"""

from __future__ import annotations

import csv
import math
from collections import deque
from heapq import heappop, heappush
from pathlib import Path

import numpy as np
import simpy

from advisor_roofline.queueing import Replica

RECORD = Path(__file__).with_name("queueing_simulated.csv")
SHARES = (0.5, 0.95)


class Engine:
    """Iteration-level scheduling: each step decodes all in flight and prefills what waits, while there are places.

    Steps in which nothing changes are passed in one event: until the next request ends or comes.
    """

    def __init__(self, replica, arrivals, lengths):
        self.base, self.slope, self.prefill = (float(x[0]) for x in (replica.base, replica.slope, replica.prefill))
        self.places = int(replica.places[0])
        self.arrivals, self.lengths = arrivals, lengths
        self.first, self.last = np.zeros(len(arrivals)), np.zeros(len(arrivals))
        self.queue, self.next_arrival, self.idle = deque(), arrivals[0], None
        self.environment = simpy.Environment()
        self.environment.process(self.source())
        self.environment.process(self.work())
        self.environment.run()

    def source(self):
        for number, time in enumerate(self.arrivals):
            yield self.environment.timeout(time - self.environment.now)
            self.queue.append(number)
            self.next_arrival = self.arrivals[number + 1] if number + 1 < len(self.arrivals) else math.inf
            if self.idle is not None:
                self.idle.succeed()
                self.idle = None

    def work(self):
        running, step = [], 0  # running: (step of the last token, number)
        while True:
            if not self.queue and not running:
                if self.next_arrival == math.inf:
                    return
                self.idle = self.environment.event()
                yield self.idle
            prompts = [self.queue.popleft() for _ in range(min(self.places - len(running), len(self.queue)))]
            seconds = self.base + self.slope * len(running) if running else 0.0
            steps = 1
            if not prompts:
                steps = running[0][0] - step
                if len(running) < self.places and self.next_arrival < math.inf:
                    until = math.ceil((self.next_arrival - self.environment.now) / seconds)
                    steps = min(steps, max(until, 1))
            yield self.environment.timeout(steps * seconds + self.prefill * len(prompts))
            step += steps
            now = self.environment.now
            while running and running[0][0] <= step:
                self.last[heappop(running)[1]] = now
            for number in prompts:
                self.first[number] = now
                if self.lengths[number] == 1:
                    self.last[number] = now
                else:
                    heappush(running, (step + self.lengths[number] - 1, number))


def one(base, slope, prefill, places, tokens, spread=0.0):
    return Replica(*(np.array([float(x)]) for x in (base, slope, prefill, places, tokens, 0.0)), spread)


def simulate(replica, load, requests, seed=0):
    """Seconds to the first and to the last token of each request, in the steady state."""
    random = np.random.default_rng(seed)
    times, mean = [], 1 / (load * replica.capacity[0])
    draws = random.random((2, requests // 2))
    for uniform in (draws, 1 - draws):  # opposite draws: what one run has too much, the other lacks
        arrivals = np.cumsum(-mean * np.log(uniform[0]))
        scale = -np.log(uniform[1]) if replica.spread else np.ones(requests // 2)
        lengths = np.maximum(np.round(replica.tokens[0] * scale), 1).astype(int)
        engine = Engine(replica, arrivals.tolist(), lengths.tolist())
        warm = slice(len(arrivals) // 20, None)
        times.append(((engine.first - arrivals)[warm], (engine.last - arrivals)[warm]))
    return tuple(np.concatenate(parts) for parts in zip(*times, strict=True))


REPLICAS = {
    "32 places, fixed lengths": one(0.010, 1e-4, 0.020, 32, 128),
    "32 places": one(0.010, 1e-4, 0.020, 32, 128, spread=1.0),
    "8 places, fixed lengths": one(0.020, 5e-4, 0.050, 8, 64),
    "8 places": one(0.020, 5e-4, 0.050, 8, 64, spread=1.0),
    "128 places, fixed lengths": one(0.005, 2e-5, 0.010, 128, 256),
    "128 places": one(0.005, 2e-5, 0.010, 128, 256, spread=1.0),
    "long prompts": one(0.010, 1e-4, 0.100, 32, 128, spread=1.0),
    "one place": one(0.010, 1e-4, 0.020, 1, 64, spread=1.0),
}
REQUESTS = {0.3: 200_000, 0.6: 300_000, 0.8: 1_000_000, 0.9: 3_000_000}


def main() -> None:
    """Write the record."""
    with RECORD.open("w", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["replica", "load", "requests", *(f"{kind}_p{100 * share:.0f}_s" for kind in
                                                          ("first_token", "request") for share in SHARES)])  # fmt: skip
        for name, replica in REPLICAS.items():
            for load, requests in REQUESTS.items():
                times = simulate(replica, load, requests)
                lines.writerow([name, load, requests, *(f"{np.quantile(part, share):.5g}" for part in times
                                                        for share in SHARES)])  # fmt: skip
                stream.flush()


if __name__ == "__main__":
    main()
