"""The page docs/energy.md, from the record of benchmarks/energy.py and the default figures."""

from __future__ import annotations

from typing import Any

from advisor_cost.prices import cost_figures
from advisor_energy.figures import energy_figures

WORDS = """# Energy, carbon and cost: formulas and how far they hold

Written by `python benchmarks/energy.py`; do not edit.

## Power and energy

A device draws idle power, and of the range from there to its board power a share for what takes the time of a step:
{arithmetic:g} for arithmetic, {traffic:g} for memory traffic, {link:g} for links, {waiting:g} between launches
(`plugins/advisor_roofline/power.toml`). A TPU draws {scale_tpu:g} of that share. Devices that wait for requests idle.
The host draws what its system's entry says, by load, or a share of its devices; cooling and supply multiply both by the
PUE. Joules a token or sample, kWh a run or month follow; none of it is board power times time.

A cap (`power_cap`, tried where `--power-budget` is given) slows the clock of all but the memory so that saturated
arithmetic stays in it: clock = ((cap - idle)/(board - idle)) ^ (1/{clock_exponent:g}). `--power-budget` bounds the mean
power of devices, and of devices and hosts together (`machine_power`).

## Carbon and water

Location-based carbon is energy times the grid's yearly mean; manufacture is spread evenly over the hours of the
machines' life, devices and their part of a server. `advisor energy` sets market-based carbon (the provider's
carbon-free share taken off) and water (evaporated on site, and by power stations) beside it. With `--flexible` a run
that ends picks the cleanest hours of its window from its grid's mean day (`grid_hours.csv`); a grid whose day is not
known is not changed.

## Checked against

| what | rows | median error, % | mean, % | bias, % |
|---|---|---|---|---|
{errors}

The demand is a median of at most 20 % on models that were not fitted. Server power is of the GPUs, in
`tests/truth/serve_energy_nvidia.csv`; variants of one model stay on one side. Left out one by one:

| model left out | rows | median error, % | bias, % |
|---|---|---|---|
{models}

Published training runs whose models the catalog has, with unknown batches, W a GPU:

| run | measured | predicted |
|---|---|---|
{runs}

Small models that leave a GPU half empty (BERT) are overestimated: their data loading is not known. What processors draw
by load is not linear, and curves differ between machines more than one exponent can say; the advisor keeps the straight
line between idle and full power, whose error stands above.

`tests/truth/power/` holds {files}. Values marked `nameplate` there were published from rated power, not measured: they
check the accounting (hours x power x PUE x intensity), not the power.

## Default figures

Used where an offer, device or system says nothing; `--assume NAME=NUMBER` sets one.

| figure | value | low | high | unit | what it is | source |
|---|---|---|---|---|---|---|
{figures}
"""
FILES = ("352 runs of six networks on four GPUs under power limits (ml-energy/zeus), 106 processor loads "
         "(mlco2/codecarbon) and 96 values of published runs (LLMCarbon, Patterson et al., Dodge et al., BLOOM, "
         "Llama)")  # fmt: skip


def page(record: dict[str, Any]) -> str:
    """The page's text."""
    rows = [f"| {title} | {entry['rows']} | {entry['median']} | {entry['mean']} | {entry['bias']} |"
            for title, entry in record.items() if "median" in entry]  # fmt: skip
    models = [f"| {name} | {entry['rows']} | {entry['median']} | {entry['bias']} |"
              for name, entry in record["by model left out"].items()]  # fmt: skip
    runs = [f"| {name} | {pair[0]} | {pair[1]} |" for name, pair in record["by run: measured and predicted W"].items()]
    figures = []
    for figure in {**energy_figures(), **cost_figures()}.values():
        method = f"; {figure.estimated}" if figure.estimated else ""
        figures.append(f"| `{figure.name}` | {figure.value:g} | {figure.low:g} | {figure.high:g} | {figure.unit} | "
                       f"{figure.doc} | {figure.source} ({figure.date}){method} |")  # fmt: skip
    return WORDS.format(errors="\n".join(rows), models="\n".join(models), runs="\n".join(runs), files=FILES,
                        figures="\n".join(figures), **record["constants"])  # fmt: skip
