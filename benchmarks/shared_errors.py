"""How much of an estimate's error candidates share: fits ``DEVICE_SHARE`` and ``BACKEND_SHARE`` of ranking/errors.py.

    python benchmarks/shared_errors.py             # the shares, with 80 % intervals over resampled models
    python benchmarks/shared_errors.py check       # chances that one is faster than another, and how often it was

Rows of tests/truth/ that measure a speed are predicted, and their log errors divided by the standard deviation
that the 80 % interval claims. Rows of one model, framework and metric are one question, as a ranking is. Then

    share of the backend = mean product of the mean errors of two devices  / mean square
    share of the device  = mean product of two errors on one device        / mean square - share of the backend

(method of moments for nested random effects: Searle, Casella and McCulloch, Variance Components, 1992, chapter 3).
Errors beyond three standard deviations count as three, so that no outlier decides.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections import defaultdict
from pathlib import Path
from statistics import NormalDist

import numpy as np

from advisor import Advisor
from advisor.ranking.errors import BACKEND_SHARE
from advisor.validation.validate import validate

TRUTH = Path(__file__).resolve().parent.parent / "tests" / "truth"
NOT_SPEED = ("memory", "power", "energy", "fits", "bytes", "params", "flops")
Z80 = 1.2815515655446004
Question = dict[str, list[float]]  # device to the errors on it
#: Rows of one question that ``check`` compares in pairs.
MOST_ROWS = 60
Asked = dict[tuple[str, ...], list[tuple[str, float, float, float]]]  # device; log measured, predicted, and its spread


def measured() -> Asked:
    """Speeds by model, framework, metric and backend; of rates the inverse, so that less is better."""
    registry = Advisor().registry
    backend = {device.id: device.backend_name for device in registry.devices}
    answer: Asked = defaultdict(list)
    for path in sorted(TRUTH.glob("serve_*.csv")) + sorted(TRUTH.glob("train_*.csv")):
        for row in validate(registry, path).rows:
            if row["predicted"] is None or any(word in row["metric"] for word in NOT_SPEED):
                continue
            value, predicted, low, high = float(row["value"]), row["predicted"], row["low"], row["high"]
            if not (value > 0 and predicted > 0 and high > low > 0):
                continue
            sign = -1 if "per_s" in row["metric"] else 1
            key = (row["model"], row["framework"].split(" ")[0], row["metric"], backend.get(row["device"], ""))
            answer[key].append((row["device"], sign * math.log(value), sign * math.log(predicted),
                                math.log(high / low) / (2 * Z80)))  # fmt: skip
    return answer


def errors_by_device(asked: Asked) -> dict[tuple[str, ...], Question]:
    """Errors in standard deviations, at most three."""
    answer: dict[tuple[str, ...], Question] = defaultdict(lambda: defaultdict(list))
    for key, rows in asked.items():
        for device, value, predicted, spread in rows:
            answer[key][device].append(max(-3.0, min(3.0, (value - predicted) / spread)))
    return answer


def check(asked: Asked) -> None:
    """Print how often the one predicted faster was, beside the chance that the model of errors gives it.

    Pairs of one question on two devices; every question counts alike. The last column is what the chance would be
    if the errors of the two were independent.
    """
    normal = NormalDist()
    found = []
    for rows in asked.values():
        some = rows[:: max(1, len(rows) // MOST_ROWS)]
        pairs = [(one, two) for one, two in itertools.combinations(some, 2) if one[0] != two[0]]
        for one, two in pairs:
            gap = abs(one[2] - two[2])
            whole = one[3] ** 2 + two[3] ** 2
            shared = (one[3] - two[3]) ** 2 * BACKEND_SHARE + whole * (1 - BACKEND_SHARE)
            right = (one[1] - two[1]) * (one[2] - two[2]) > 0
            chances = [normal.cdf(gap / math.sqrt(variance)) for variance in (shared, whole)]
            found.append((chances[0], right, 1 / len(pairs), chances[1]))
    chance, right, weight, apart = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    print("| predicted chance | pairs | mean chance | was so | if errors were independent |\n|---|---|---|---|---|")
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.99), (0.99, 1.01)):
        inside = (chance >= low) & (chance < high)
        means = [np.average(column[inside], weights=weight[inside]) for column in (chance, right, apart)]
        columns = [f"{low:.0%} to {min(high, 1):.0%}", f"{inside.sum():,}", *(f"{mean:.0%}" for mean in means)]
        print(f"| {' | '.join(columns)} |")


def shares(asked: list[Question]) -> tuple[float, float]:
    """Share of the backend's and of the device's error in the mean square."""
    squares, across, within = [], [], []
    for devices in asked:
        means = [float(np.mean(errors)) for errors in devices.values()]
        across += [first * second for first, second in itertools.combinations(means, 2)]
        for errors in devices.values():
            squares.append(float(np.mean(np.square(errors))))
            count = len(errors)
            if count > 1:
                within.append((sum(errors) ** 2 - sum(error**2 for error in errors)) / (count * (count - 1)))
    whole = float(np.mean(squares))
    backend = max(0.0, float(np.mean(across)) / whole) if across else 0.0
    return backend, max(0.0, float(np.mean(within)) / whole - backend)


def main() -> None:
    """Print the shares, or the check."""
    asked = measured()
    if sys.argv[1:] == ["check"]:
        check(asked)
        return
    found = errors_by_device(asked)
    models = sorted({key[0] for key in found})
    by_model = {model: [question for key, question in found.items() if key[0] == model] for model in models}
    backend, device = shares(list(found.values()))
    random = np.random.default_rng(0)
    again = []
    for _ in range(400):
        drawn = random.choice(models, len(models))
        again.append(shares([question for model in drawn for question in by_model[model]]))
    low, high = np.percentile(again, [10, 90], axis=0)
    rows = sum(len(errors) for question in found.values() for errors in question.values())
    print(f"{rows} errors of {len(models)} models in {len(found)} questions")
    for name, share, ends in (("backend", backend, (low[0], high[0])), ("device", device, (low[1], high[1]))):
        print(f"{name} {share:.2f} ({ends[0]:.2f} to {ends[1]:.2f})")
    print(f"the configuration's own {1 - backend - device:.2f}")


if __name__ == "__main__":
    main()
