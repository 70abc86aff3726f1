"""How a sweep scales from one worker to two, and what one client could feed.

    python benchmarks/sweep.py              # prints the table of docs/sweep.md and writes benchmarks/sweep.json

The same grid with one and with two worker processes, in turns, start-up of the workers left out by a first sweep of
two combinations a worker in the same pool. The output is a folder of Parquet files, which workers encode. Wall times
are the shortest of the rounds, since other work on the machine only adds; processor times (user and system, of
workers and client) tell work added by running side by side from waiting for a core. The load of the machine at the
start of each round is recorded.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pickle
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from advisor_sweep import make_grid, run_sweep
from advisor_sweep.parts import Parts
from advisor_sweep.work import encoded_chunk, rank_chunk

HERE = Path(__file__).parent
GRID = {
    "keep": 3,
    "cross": {
        "model": ["meta-llama/Llama-3.1-8B", "Qwen/Qwen2.5-7B"],
        "request_rate": [1, 2, 4, 8, 16, 32],
        "max_tpot": ["20ms", "50ms", "100ms", "200ms"],
        "region": ["eu", "us"],
    },
}
CHUNK = 4
LARGE = 64


def processor_seconds() -> float:
    """User and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def worker_seconds(_: int) -> tuple[int, float]:
    time.sleep(0.05)  # so that every worker answers
    return os.getpid(), processor_seconds()


class Kept:
    """A pool that outlives the sweeps that use it."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    @contextmanager
    def lent(self):
        yield self.pool

    def used(self) -> float:
        """Processor time of its workers so far."""
        answers = dict(self.pool.map(worker_seconds, range(8 * self.workers)))
        assert len(answers) == self.workers
        return sum(answers.values())


def measure(pool: Kept, folder: Path, number: int) -> dict:
    grid = make_grid(GRID)
    before, own = pool.used(), processor_seconds()
    load = os.getloadavg()[0]
    start = time.perf_counter()
    run_sweep(grid, folder / f"{pool.workers}-{number}", pool.lent, pool.workers, CHUNK)
    wall = time.perf_counter() - start
    own = processor_seconds() - own
    return {"workers": pool.workers, "points": len(grid), "wall_s": wall, "client_cpu_s": own,
            "worker_cpu_s": pool.used() - before, "load_before": load}  # fmt: skip


def client_alone(document: dict) -> dict:
    """Processor time of the client for a large chunk: the answer unpickled, and its part written."""
    contents = encoded_chunk(document, 0, LARGE, (), ".parquet")
    sent = pickle.dumps(contents, protocol=5)
    count = 200
    with tempfile.TemporaryDirectory() as name:
        parts = Parts(Path(name) / "parts", make_grid(GRID), ".parquet")
        before = processor_seconds()
        for number in range(count):
            parts.write(number, number + 1, pickle.loads(sent))
        used = processor_seconds() - before
        parts.close()
    return {"combinations": LARGE, "bytes": len(contents), "cpu_s": used / count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    document = make_grid(GRID).to_dict()
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        pools = [Kept(1), Kept(2)]
        for pool in pools:  # every worker reads the catalogs and both models first
            for position in (0, len(make_grid(GRID)) - 1):
                list(pool.pool.map(rank_chunk, *zip(*[(document, position, position + 1)] * 8, strict=True)))
        for number in range(args.rounds):
            rounds += [measure(pool, Path(name), number) for pool in pools]
        for pool in pools:
            pool.pool.shutdown()
    client = client_alone(document)
    best = {workers: min((item for item in rounds if item["workers"] == workers), key=lambda item: item["wall_s"])
            for workers in (1, 2)}  # fmt: skip
    record = {"chunk": CHUNK, "client_alone": client, "rounds": rounds, "best": best}
    (HERE / "sweep.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print("| workers | combinations/s | a worker | processor time of a combination | client's of a chunk |")
    print("|---|---|---|---|---|")
    for workers, item in best.items():
        rate = item["points"] / item["wall_s"]
        alone = best[1]["points"] / best[1]["wall_s"]
        print(f"| {workers} | {rate:.1f} | {rate / workers / alone:.2f} | "
              f"{1e3 * item['worker_cpu_s'] / item['points']:.0f} ms | "
              f"{1e3 * item['client_cpu_s'] / (item['points'] / CHUNK):.1f} ms |")  # fmt: skip
    print(f"\nLoad average before the rounds shown: {best[1]['load_before']:.1f} and {best[2]['load_before']:.1f}. "
          f"A chunk of {LARGE} combinations is {client['bytes']:,} bytes, which cost the client "
          f"{1e3 * client['cpu_s']:.2f} ms to receive and to store.")  # fmt: skip


if __name__ == "__main__":
    main()
