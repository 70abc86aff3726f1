"""Candidates a second, memory and start-up, from ten thousand candidates to a hundred million, on one core.

    python benchmarks/throughput.py             # measure all of it (about five minutes); writes throughput.json
    python benchmarks/throughput.py --page      # write docs/performance.md from the record alone

Each question runs in a process of its own, so that its peak of memory is its own. ``cold`` times are of whole
processes, started in turn with the interpreter that they are compared with.
"""

from __future__ import annotations

import cProfile
import json
import os
import platform
import pstats
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = Path(__file__).parent
RECORD = HERE / "throughput.json"
PAGE = HERE.parent / "docs" / "performance.md"
MODEL = "meta-llama/Llama-3.1-8B"
SERVE = {"task": "serve", "request_rate": 4, "max_ttft": "500ms"}
TRAIN = {"task": "train", "tokens": "1T"}
LAYOUTS = TRAIN | {"layout": ("all",)}
#: Name to model, question, how many times over each offer is listed (in a region of its own), and rounds.
QUESTIONS = {
    "serve, two GPUs": (MODEL, SERVE | {"device": ("l4", "a100-80gb")}, 1, 9),
    "serve, the EU": (MODEL, SERVE | {"region": ("eu",)}, 1, 9),
    "serve, everything": (MODEL, SERVE, 1, 5),
    "serve, every offer ten times": (MODEL, SERVE, 10, 3),
    "train, everything": (MODEL, TRAIN, 1, 3),
    "train, every offer twice": (MODEL, TRAIN, 2, 3),
    "train, every layout, NVIDIA in the EU": (MODEL, LAYOUTS | {"vendor": ("nvidia",), "region": ("eu",)}, 1, 1),
    "train, every layout, the EU": (MODEL, LAYOUTS | {"region": ("eu",)}, 1, 1),
    "train, every layout, every offer seven times": (MODEL, LAYOUTS, 7, 1),
}
RANK = ["-m", "advisor.cli", "rank", MODEL, "--task", "serve", "--input-tokens", "1024", "--output-tokens", "256",
        "--request-rate", "4", "--max-ttft", "500ms"]  # fmt: skip
COLD = {
    "python -c 'import numpy'": ["-c", "import numpy"],
    "python -c 'import numpy, pydantic, click'": ["-c", "import numpy, pydantic, click"],
    "advisor --help": ["-m", "advisor.cli", "--help"],
    "advisor rank ... --region eu": [*RANK, "--region", "eu"],
    "advisor rank ...": RANK,
}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> dict[str, float]:
    """One question in this process."""
    from advisor import Advisor

    model_name, question, copies, rounds = QUESTIONS[name]
    advisor = Advisor()
    if copies > 1:
        offers = [offer.replace(id=f"{offer.id}#{copy}", region=f"{offer.region}-{copy}")
                  for copy in range(copies) for offer in advisor.registry.offers]  # fmt: skip
        advisor = Advisor(offers=offers)
    model = advisor.read(model_name)
    len(advisor.registry.offers)
    before, times = peak_mb(), []
    for _ in range(rounds):
        start = time.process_time()
        ranking = advisor.rank(model, **question)
        assert ranking.best is not None
        times.append(time.process_time() - start)
        evaluated = ranking.evaluated
        ranking = None
    return {"candidates": evaluated, "seconds": min(times), "peak_mb": peak_mb() - before}


def cold(rounds: int = 9) -> dict[str, float]:
    """Median seconds of whole processes, by the clock."""
    times: dict[str, list[float]] = {name: [] for name in COLD}
    for turn in range(rounds + 1):
        for name, arguments in COLD.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            if turn:  # the first turn fills the caches
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def profile(name: str = "serve, every offer ten times", most: int = 12) -> list[tuple[str, float]]:
    """Where the time of a large question goes: functions by their own share."""
    from advisor import Advisor

    advisor = Advisor()
    model_name, question, _, _ = QUESTIONS[name]
    model = advisor.read(model_name)
    advisor.rank(model, **question)
    watch = cProfile.Profile()
    watch.enable()
    advisor.rank(model, **question)
    watch.disable()
    stats = pstats.Stats(watch)
    own = sorted(((times[2], place) for place, times in stats.stats.items()), reverse=True)  # type: ignore[attr-defined]
    total = sum(seconds for seconds, _ in own)
    return [(f"{Path(file).parent.name}.{Path(file).stem}.{function}".lstrip("."), seconds / total)
            for seconds, (file, _, function) in own[:most]]  # fmt: skip


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
        return
    if sys.argv[1:] != ["--page"]:
        record = {"machine": platform.processor() or platform.machine(), "cold": cold(), "questions": {}}
        for name in QUESTIONS:
            command = [sys.executable, __file__, "--one", name]
            found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            record["questions"][name] = json.loads(found)
            print(name, found.strip(), flush=True)
        record["profile"] = profile()
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    PAGE.write_text(page(json.loads(RECORD.read_text())))


def page(record: dict) -> str:
    """``docs/performance.md``."""
    start, questions = record["cold"], record["questions"]
    base = start["python -c 'import numpy'"]
    peers = json.loads((HERE / "peers.json").read_text())
    lines = [
        "# Performance", "",
        "Written by `python benchmarks/throughput.py` from `benchmarks/throughput.json`; not edited by hand. Times are "
        "of one core of the machine that it ran on, with no other work on it.", "",
        "## Start-up", "",
        "Whole processes by the clock, median of nine, started in turn.", "",
        "| command | seconds | times `import numpy` |", "|---|---:|---:|",
        *(f"| `{name}` | {seconds:.3f} | {seconds / base:.2f} |" for name, seconds in start.items()), "",
        "The catalogs, data files and entry points are compiled once into the user's cache folder and made anew when "
        "a file changes; where that folder cannot be written, each run reads the files.", "",
        "## Candidates a second", "",
        f"Evaluated and ranked in full: memory, time, cost, energy, carbon, privacy, intervals. The model is {MODEL}, "
        "read beforehand; processor time. The peak of memory is what the question adds to the process.", "",
        "| question | candidates | seconds | candidates/s | peak MB | bytes a candidate |",
        "|---|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name, found in questions.items():
        count, seconds, peak = found["candidates"], found["seconds"], found["peak_mb"]
        lines.append(f"| {name} | {count:,} | {seconds:.3f} | {count / seconds:,.0f} | {peak:.0f} | "
                     f"{peak * 2**20 / count:,.0f} |")  # fmt: skip
    lines += [
        "", "Candidates are evaluated in blocks of 65,536, of which those are kept that can be shown "
        "(`core/advisor/survivors.py`): time grows with their number, memory does not.", "",
        *_peer_lines(peers, questions), "## Where the time goes", "",
        "Functions by their own share of `rank` (profiler on, 100,000 candidates):", "",
        "| function | share |", "|---|---:|",
        *(f"| `{name}` | {100 * share:.1f} % |" for name, share in record["profile"]), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _peer_lines(peers: dict, questions: dict) -> list[str]:
    """aiconfigurator's time an estimate, as ``benchmarks/peers.py`` recorded it on this machine."""
    found = peers["estimators"].get("aiconfigurator", {}) if "estimators" in peers else {}
    milliseconds = found.get("ms_per_estimate")
    if not milliseconds:
        return []
    best = max(each["candidates"] / each["seconds"] for each in questions.values())
    return ["## Beside aiconfigurator", "",
            f"`benchmarks/peers.py` recorded {milliseconds:.3g} ms an estimate for aiconfigurator, its databases "
            f"loaded: {1000 / milliseconds:,.0f} a second. The most above is {best * milliseconds / 1000:,.0f} times "
            "as many.", ""]  # fmt: skip


if __name__ == "__main__":
    main()
