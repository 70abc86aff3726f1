"""The profile of Mélange as far as its figures publish it, as requests a second of one GPU for each size.

Griggs et al. (arXiv 2404.14527; figures of https://github.com/tyler-griggs/melange-release, docs/images/
all-gpus-best.png, all-gpus-worst.png and a100-v-a10g-2.png, in melange_profile.csv) print, for Llama-2-7B at
saturation and each size of request, the GPU that does most for a dollar, by how much it leads the second and the worst,
and up to 2,000 tokens by how much the A10G leads the A100. What they leave open is filled from estimates: which of the
others is the second and which the worst, where the third lies between these, how many requests a second the best does,
and what a service level of 40 ms takes away.
"""

from __future__ import annotations

import csv
from pathlib import Path

FILE = Path(__file__).with_name("melange_profile.csv")

Size = tuple[int, int]
Rates = dict[str, float]


def published() -> dict[Size, dict[str, str]]:
    """The rows of the file by input and output tokens."""
    with FILE.open(encoding="utf-8") as stream:
        return {(int(row["input_tokens"]), int(row["output_tokens"])): row for row in csv.DictReader(stream)}


def relative(row: dict[str, str], estimated: Rates) -> Rates:
    """Work for a dollar of each GPU, 1 for the best, where ``estimated`` orders those that the figures do not name.

    Only GPUs that are estimated to serve the size are in the answer.
    """
    best = row["best"]
    second, worst = (1 / (1 + float(row[name]) / 100) for name in ("percent_over_second", "percent_over_worst"))
    others = sorted((name for name, rate in estimated.items() if rate > 0 and name != best),
                    key=lambda name: -estimated[name])  # fmt: skip
    answer = {best: 1.0}
    lead = float(row["a10g_percent_over_a100"] or 0)
    if lead:  # both are known: the one that is not the best, or both where another is
        factor = 1 + abs(lead) / 100
        ahead, behind = ("a10g", "a100") if lead > 0 else ("a100", "a10g")
        if best not in (ahead, behind):
            answer[ahead] = second
        answer[behind] = answer[ahead] / factor
        others = [name for name in others if name not in answer]
        taken = [abs(found - second) < 0.02 * second for name, found in answer.items() if name != best]
        ends = [worst] if any(taken) else [second, worst]
    else:
        ends = [second, worst]
    if len(others) >= len(ends) and ends:
        for name, end in zip([*others[: len(ends) - 1], others[-1]], ends, strict=True):
            answer[name] = end
        others = [name for name in others if name not in answer]
    for name in others:
        answer[name] = min(second, max(worst, estimated[name] / estimated[best]))
    return answer


def rates(estimated: dict[Size, Rates], prices: Rates) -> dict[Size, Rates]:
    """Requests a second of one of each GPU by size; ``estimated`` gives the advisor's, 0 where a GPU cannot."""
    answer = {}
    for size, row in published().items():
        dollars = {name: rate / prices[name] for name, rate in estimated[size].items()}
        level = dollars[row["best"]]
        found = relative(row, dollars)
        answer[size] = {name: found.get(name, 0.0) * level * prices[name] for name in prices}
    return answer
