"""Processor time of the same question at another price, beside that of the question itself, on a warm advisor.

    python benchmarks/repricing.py          # the least of several rounds, for several numbers of candidates
"""

from __future__ import annotations

import time

from advisor import Advisor, Model

ROUNDS = 15
QUESTIONS = {"two kinds of GPU": {"device": ["l4", "a100-80gb"]}, "the EU": {"region": ["eu"]}, "everything": {}}


def least(what) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        what()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    advisor = Advisor()
    model = advisor.read("meta-llama/Llama-3.1-8B")
    print("| hardware | candidates | rank | with_offers |")
    print("|---|---|---|---|")
    for name, fields in QUESTIONS.items():
        print(row(name, advisor, model, {"request_rate": 4, "max_ttft": "500ms", **fields}))


def row(name: str, advisor: Advisor, model: Model, question: dict) -> str:
    """One question, and the same at twice the price of the best."""
    ranking = advisor.rank(model, **question)
    best = ranking[0].offer
    prices = {best.id: 2 * best.price_usd_per_hour}
    whole = least(lambda: advisor.rank(model, **question)[0])
    again = least(lambda: ranking.with_offers(prices=prices)[0])
    return f"| {name} | {len(ranking.rows):,} | {1e3 * whole:.0f} ms | {1e3 * again:.1f} ms |"


if __name__ == "__main__":
    main()
