"""Time of a cold ``advisor rank``, beside an interpreter that imports numpy, pydantic and click.

    python benchmarks/cold_start.py [RUNS]

Both are started in turn, so that the ratio holds when the machine's speed drifts. Prints medians of wall and
processor time, and their ratio.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

RANK = ["-m", "advisor.cli", "rank", "meta-llama/Llama-3.1-8B", "--task", "serve", "--request-rate", "4", "--max-ttft",
        "500ms", "--region", "eu", "--json"]  # fmt: skip
COMMANDS = {
    "numpy": ["-c", "import numpy"],
    "numpy, pydantic, click": ["-c", "import numpy, pydantic, click"],
    "advisor --help": ["-m", "advisor.cli", "--help"],
    "advisor rank": RANK,
}


def run(arguments: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int) -> None:
    """Print the table."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        for name, arguments in COMMANDS.items():
            measured = run(arguments)
            if turn:  # the first turn warms the file caches
                times[name].append(measured)
    base = statistics.median(cpu for _, cpu in times["numpy, pydantic, click"])
    print(f"{'':26s} {'wall, s':>8s} {'processor, s':>13s} {'ratio':>6s}")
    for name, measured in times.items():
        wall = statistics.median(seconds for seconds, _ in measured)
        cpu = statistics.median(seconds for _, seconds in measured)
        print(f"{name:26s} {wall:8.3f} {cpu:13.3f} {cpu / base:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
