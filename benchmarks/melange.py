"""The savings of a mixed fleet over one kind of GPU, in the set-up of Griggs et al., Mélange (arXiv 2404.14527).

    python benchmarks/melange.py            # prints the table of docs/fleet.md and writes benchmarks/melange.json

From the paper: the four GPUs and their prices (table 1), Llama-2-7B in 16 bits on vLLM, the service levels of 40 and
120 ms a token, rates of 1 to 32 requests a second, the size buckets (figure 5), and the published allocations
(tables 3 to 8, in melange_published.csv).

Twice: with throughputs that are the advisor's estimates, and, as a check of the program alone, with those of the paper
as far as its figures publish them (melange_profile.py). These say which GPU does how much more for a dollar than
another, not how much; for each set and level one factor is therefore chosen, by which the fleets of A100s alone come
nearest to the published ones. No published mix or saving is used.

Sizes: the paper shows its distributions as a figure with means (output: Arena 195.66, PubMed 314.1 tokens). Here each
length is log-normal with a mean and a spread. Estimated: Arena's mean input is the 69.5 tokens of an LMSYS-Chat-1M
prompt (Zheng et al. 2024, table 1: 69.5 a prompt, 214.5 a response, 2.0 turns) and half a turn of history; PubMed's is
3,016 words (Cohan et al. 2018, table 1, summaries of 203 words) at 314.1 / 203 tokens a word. Spreads (standard
deviation over mean) are assumed: 1.5 and 1 for Arena's inputs and outputs, 0.75 and 0.5 for PubMed's; ``--spread``
scales them all.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import NormalDist, mean, median

import numpy as np
from melange_profile import rates

from advisor import Advisor, Offer, Source
from advisor.records import replace as replace_record
from advisor_fleet import make_fleet
from advisor_fleet.deployments import OfferList, find_deployments
from advisor_fleet.job import FleetJob
from advisor_fleet.plan import plan_deployments
from advisor_fleet.program import Program, solve

HERE = Path(__file__).parent
PAPER = Source(title="Mélange, table 1", url="https://arxiv.org/abs/2404.14527", date=date(2024, 7, 22))
#: USD/h, table 1.
GPUS = {
    "l4": ("1xnvidia-l4-24gb", 0.70),
    "a10g": ("1xnvidia-a10g-24gb", 1.01),
    "a100": ("1xnvidia-a100-sxm-80gb", 3.67),
    "h100": ("1xnvidia-h100-sxm-80gb", 7.516),
}
INPUTS = (25, 100, 250, 500, 1000, 2000, 4000, 8000, 12000, 16000)
OUTPUTS = (25, 100, 250, 500, 1000, 2000)
RATES = (1, 2, 4, 8, 16, 32)
#: (mean, standard deviation over mean) of inputs and outputs.
LENGTHS = {
    "arena": ((69.5 + 0.5 * (69.5 + 214.5), 1.5), (195.66, 1.0)),
    "pubmed": ((3016 * 314.1 / 203, 0.75), (314.1, 0.5)),
}
#: The smallest requests of a share below this are counted with the next size.
LEAST_SHARE = 1e-4
#: The paper's L4 and A10G serve requests below 12,000 tokens.
SMALL_MOST = 12000


def shares(mean: float, spread: float, edges: tuple[int, ...]) -> list[float]:
    """Share of a log-normal length in each bucket; what is longer than the last is cut to it."""
    variance = math.log(1 + spread**2)
    normal = NormalDist(math.log(mean) - variance / 2, math.sqrt(variance))
    below = [normal.cdf(math.log(edge)) for edge in edges[:-1]] + [1.0]
    return [high - low for low, high in zip([0.0, *below], below, strict=False)]


def sizes(dataset: str, scale: float) -> dict[tuple[int, int], float]:
    """Share of requests in each bucket of input and output tokens."""
    if dataset == "mixed":
        parts = {"arena": 0.8, "pubmed": 0.2}
        tables = {name: sizes(name, scale) for name in parts}
        return {key: sum(parts[name] * tables[name][key] for name in parts) for key in tables["arena"]}
    (mean_in, spread_in), (mean_out, spread_out) = LENGTHS[dataset]
    inputs = shares(mean_in, spread_in * scale, INPUTS)
    outputs = shares(mean_out, spread_out * scale, OUTPUTS)
    return {(i, o): a * b for i, a in zip(INPUTS, inputs, strict=True) for o, b in zip(OUTPUTS, outputs, strict=True)}


def market() -> Advisor:
    """An advisor in which the four GPUs are offered at the paper's prices."""
    place = {"provider": "melange", "region": "us", "country": "US", "areas": ("us",), "sources": {"table": PAPER}}
    offers = [Offer(id=f"melange/{name}", system=system, price_usd_per_hour=price, **place)
              for name, (system, price) in GPUS.items()]  # fmt: skip
    return Advisor(offers=offers)


def asked(slo: int | None) -> FleetJob:
    """The job of every size at one service level."""
    every = [{"share": 1.0, "input_tokens": i, "output_tokens": o} for i in INPUTS for o in OUTPUTS]
    limit = {} if slo is None else {"max_tpot": f"{slo}ms"}
    return make_fleet({"max_load": 1.0, "sharing": 1, "gap": 0.0, "workload": [{
        "name": "llama", "model": "meta-llama/Llama-2-7b-hf", "request_rate": 1, "sizes": every,
        "provider": "melange", "max_devices": 1, "framework": "vllm", "limits": {"quality": 1.0}, **limit,
    }]})  # fmt: skip


def plans(scale: float):
    """Yield (dataset, service level, rate, plan)."""
    advisor = market()
    for slo in (120, 40):
        job = asked(slo)
        offers = OfferList()
        found = find_deployments(advisor, job.workloads[0], offers, carbon=False)
        for dataset in ("arena", "pubmed", "mixed"):
            table = sizes(dataset, scale)
            weights = [table[size.input_tokens, size.output_tokens] for size in job.workloads[0].sizes]
            kept = [place for place, weight in enumerate(weights) if weight > LEAST_SHARE]
            chosen = tuple(replace_record(job.workloads[0].sizes[place], share=weights[place]) for place in kept)
            for rate in RATES:
                workload = replace(job.workloads[0], sizes=chosen, rates=(float(rate),) * 24)
                item = replace(found, workload=workload, rows=[found.rows[place] for place in kept])
                yield dataset, slo, rate, plan_deployments(
                    advisor, replace(job, workloads=[workload]), [item], offers, what_if=False
                )


def single_costs(plan) -> dict[str, float]:
    """GPU to USD/h of the best fleet of it alone."""
    names = {system.device: name for name, system in ((n, _system(plan, n)) for n in GPUS) if system is not None}
    return {names[kind.device]: kind.value for kind in plan.single_kinds}


def _system(plan, name: str):
    return next((system for system in plan.offers.systems if system.id == GPUS[name][0]), None)


def published() -> dict[tuple[str, int, int], dict]:
    """The paper's allocations: cost of the mix, and of each GPU alone."""
    answer = {}
    with (HERE / "melange_published.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            alone = {name: int(row[f"{name}_only"]) * price for name, (_, price) in GPUS.items() if row[f"{name}_only"]}
            answer[row["dataset"], int(row["slo_ms"]), int(row["rate"])] = {
                "mix": float(row["melange_usd"]), "alone": alone,
                "units": {name: int(row[name]) for name in GPUS},
            }  # fmt: skip
    return answer


def estimated_rates(slo: int | None) -> dict[tuple[int, int], dict[str, float]]:
    """Requests a second of one of each GPU by size as the advisor estimates them, 0 where it cannot."""
    job = asked(slo)
    offers = OfferList()
    found = find_deployments(market(), job.workloads[0], offers, carbon=False)
    capacity, _ = found.capacity()
    names = [offers.offers[place].id.removeprefix("melange/") for place in found.offer]
    return {(size.input_tokens, size.output_tokens): {
        name: float(max(capacity[place, column] for place, known in enumerate(names) if known == name)) for name in GPUS
    } for column, size in enumerate(job.workloads[0].sizes)}  # fmt: skip


def from_profile(paper: dict, scale: float) -> list[dict]:
    """The program on the profile that the paper's figures show."""
    names, prices = list(GPUS), np.array([price for _, price in GPUS.values()])
    saturated = estimated_rates(None)
    profile = rates(saturated, {name: price for name, (_, price) in GPUS.items()})
    records = []
    for slo in (120, 40):
        limited = estimated_rates(slo)
        for dataset in ("arena", "pubmed", "mixed"):
            table = {size: share for size, share in sizes(dataset, scale).items() if share > LEAST_SHARE}
            shares = np.array(list(table.values()))
            capacity = np.array([[profile[size][name] * limited[size][name] / max(saturated[size][name], 1e-9)
                                  for size in table] for name in names])  # fmt: skip
            with np.errstate(divide="ignore"):
                load = (shares / capacity).sum(axis=1)  # units for one request a second
            units = {rate: round(paper[dataset, slo, rate]["alone"]["a100"] / GPUS["a100"][1]) for rate in RATES}
            factor = level(load[names.index("a100")], units)
            load, capacity = load / factor, capacity * factor
            for rate in RATES:
                mix = solve(Program(prices, capacity, rate * shares[None], np.ones(1)), gap=0.0)
                alone = {name: float(price * math.ceil(rate * each - 1e-9))
                         for name, price, each in zip(names, prices, load, strict=True) if each < math.inf}  # fmt: skip
                theirs = paper[dataset, slo, rate]
                records.append({
                    "dataset": dataset, "slo_ms": slo, "rate": rate, "mix": mix.value, "alone": alone,
                    "units": dict(zip(names, mix.units[0].tolist(), strict=True)),
                    "saving": 1 - mix.value / min(alone.values()),
                    "published": theirs, "published_saving": paper_saving(theirs),
                })  # fmt: skip
    return records


def level(load: float, units: dict[int, int]) -> float:
    """The factor on throughputs by which ``load`` units a request a second come nearest to published whole units."""
    factors = np.exp(np.linspace(-2, 1, 301))
    misses = [sum(abs(math.log(math.ceil(rate * load / factor - 1e-9) / count)) for rate, count in units.items())
              for factor in factors]  # fmt: skip
    return float(factors[int(np.argmin(misses))])


def paper_saving(item: dict) -> float:
    """What the published mix saves over the best single kind."""
    return 1 - item["mix"] / min(item["alone"].values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spread", type=float, default=1.0, help="factor on every spread")
    parser.add_argument("--output", type=Path, help="where the record goes (benchmarks/melange.json)")
    args = parser.parse_args()
    paper = published()
    records = []
    for dataset, slo, rate, plan in plans(args.spread):
        theirs = paper[dataset, slo, rate]
        units = dict.fromkeys(GPUS, 0)
        for item in plan.to_dict()["deployments"]:
            units[item["offer"]["id"].removeprefix("melange/")] += max(item["units_by_hour"])
        alone = single_costs(plan)
        records.append({
            "dataset": dataset, "slo_ms": slo, "rate": rate, "units": units, "mix": plan.solution.value,
            "proved": plan.solution.proved, "gap": plan.solution.gap, "alone": alone,
            "saving": plan.saving, "published": theirs,
            "published_saving": paper_saving(theirs),
        })  # fmt: skip
    path = args.output or HERE / "melange.json"
    check = from_profile(paper, args.spread)
    record = {"spread": args.spread, "estimated": records, "published_profile": check}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print("With the advisor's estimates:\n")
    print(summary(records))
    print(table(records))
    print("\nOn the profile that the paper's figures show:\n")
    print(summary(check))
    print(table(check))


def summary(records: list[dict]) -> str:
    """Savings by set of sizes and service level: over the best single kind, and over each."""
    lines = ["| sizes | level | saving over the best single kind | published | over any single kind | published |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for slo in (120, 40):
        for dataset in ("arena", "pubmed", "mixed"):
            some = [item for item in records if (item["dataset"], item["slo_ms"]) == (dataset, slo)]
            ours, theirs = ([paper_saving({"mix": item["mix"], "alone": {kind: item["alone"][kind]}})
                             for item in found for kind in item["alone"]]
                            for found in (some, [item["published"] for item in some]))  # fmt: skip
            lines.append(
                f"| {dataset} | {slo} ms | {100 * mean(max(0, item['saving']) for item in some):.0f} % "
                f"| {100 * mean(item['published_saving'] for item in some):.0f} % "
                f"| {100 * max(0, min(ours)):.0f} to {100 * max(ours):.0f} % "
                f"| {100 * min(theirs):.0f} to {100 * max(theirs):.0f} % |"
            )
    return "\n".join(lines) + "\n"


def table(records: list[dict]) -> str:
    """The table of docs/fleet.md."""
    lines = ["| sizes | level | req/s | L4 + A10G + A100 + H100 | USD/h | best single kind | saving | published mix "
             "| published saving |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for item in records:
        units, theirs = (" + ".join(f"{found[name]:.0f}" for name in GPUS) for found in
                         (item["units"], item["published"]["units"]))  # fmt: skip
        kind = min(item["alone"], key=item["alone"].get) if item["alone"] else ""
        single = f"{kind.upper()} {item['alone'][kind]:.2f}" if kind else "none"
        saving = f"{100 * max(0.0, item['saving']):.0f} %" if item["saving"] is not None else "-"
        lines.append(f"| {item['dataset']} | {item['slo_ms']} ms | {item['rate']} | {units} | {item['mix']:.2f} | "
                     f"{single} | {saving} | {theirs}: {item['published']['mix']:.2f} | "
                     f"{100 * item['published_saving']:.0f} % |")  # fmt: skip
    for item in records:
        item["saving"] = None if item["saving"] is None else max(0.0, item["saving"])
    pairs = [(item["saving"], item["published_saving"]) for item in records if item["saving"] is not None]
    lines.append("")
    ours, theirs = zip(*pairs, strict=True)
    worst = max(paper_saving({**item["published"], "alone": {"worst": max(item["published"]["alone"].values())}})
                for item in records)  # fmt: skip
    lines.append(
        f"Saving over the best single kind: median {100 * median(ours):.0f} %, mean {100 * mean(ours):.0f} %, most "
        f"{100 * max(ours):.0f} %; published: {100 * median(theirs):.0f}, {100 * mean(theirs):.0f} and "
        f"{100 * max(theirs):.0f} %. Over the worst: up to {100 * most(records):.0f} %, published {100 * worst:.0f} %."
    )
    return "\n".join(lines)


def most(records: list[dict]) -> float:
    """The largest saving over any single kind."""
    return max(1 - item["mix"] / max(item["alone"].values()) for item in records if item["alone"])


if __name__ == "__main__":
    main()
