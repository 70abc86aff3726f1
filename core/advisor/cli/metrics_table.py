"""The five metrics as tables for people."""

from __future__ import annotations

import click

from advisor.cli.tables import Column, Table, paragraph
from advisor.measuring import Question
from advisor.metrics import BACKWARD, Metrics, by_kind
from advisor.offering import Offering, bound, compare, largest_split, smallest_count, step
from advisor.units import format_quantity

MOST_LINES = 14


def show_metrics(asked: Question, whole: Metrics, groups: list[Metrics], offer: Offering | None, each: bool) -> None:
    """Print one line a layer group or kind, the totals, and what the device offers."""
    model = asked.model
    shape = f"{asked.batch} x {asked.seq_len} tokens" if model.unit == "token" else _samples(asked.batch)
    paragraph(f"{model.name}: {model.family}, read by {model.reader or 'the application'}; "
              f"{model.weight_format} weights; {shape}{', training' if asked.train else ''}")  # fmt: skip
    click.echo()
    lines = groups if each or len(groups) <= MOST_LINES else by_kind(groups)
    _layers(asked, whole, lines, offer).show()
    click.echo()
    _totals(asked, whole, offer).show()
    if offer is not None:
        _hardware(whole, offer)
    if model.unit == "token" and model.max_context is not None and asked.seq_len > model.max_context:
        paragraph(f"note: longer than the model's context of {model.max_context:,} tokens")
    for note in model.notes:
        paragraph(f"note: {note}")


def _layers(asked: Question, whole: Metrics, lines: list[Metrics], offer: Offering | None) -> Table:
    columns = [Column("layer", keep=10, narrow=12), Column("kind", keep=4), Column("x", "right", 5),
               Column("parameters", "right", 9), Column("active", "right", 6), Column("FLOPs", "right", 9),
               Column("weights", "right", 8), Column("KV/token", "right", 7), Column("moved", "right", 6),
               Column("FLOP/B", "right", 6), Column("parallel", "right", 3)]  # fmt: skip
    if asked.train:
        columns += [Column("backward", "right", 5), Column("states", "right", 5), Column("saved", "right", 5)]
    if offer is not None:
        columns += [Column("bound", keep=7)]
    table = Table(columns)
    for item in [*lines, whole]:
        first = item.passes["forward"]
        cells: list[object] = [
            item.name if item is not whole else "total", item.kind if item is not whole else "", item.count,
            f"{item.parameters:,}", "" if item.active_parameters == item.parameters else f"{item.active_parameters:,}",
            _flops(first.flops), _bytes(item.weight_bytes), _bytes(item.cache_bytes_per_token), _bytes(first.bytes),
            f"{first.intensity:.3g}", format_quantity(item.independent, ""),
        ]  # fmt: skip
        if asked.train:
            cells += [_flops(BACKWARD * first.flops), _bytes(item.gradient_bytes + item.optimizer_bytes),
                      _bytes(item.saved_bytes)]  # fmt: skip
        if offer is not None:
            cells.append(bound(first, offer))
        table.add(*cells)
    return table.without_empty()


def _samples(number: int) -> str:
    return "1 sample" if number == 1 else f"{number:,} samples"


def _totals(asked: Question, whole: Metrics, offer: Offering | None) -> Table:
    """The five metrics: what the model needs and, of a device, what it offers and the ratio."""
    columns = [Column("metric", keep=10), Column("needs", keep=9, narrow=40)]
    if offer is None:
        table = Table(columns)
        for name, need in _needs(asked, whole).items():
            table.add(name, need)
        return table
    hardware = f"{offer.count} x {offer.device.name} offers"
    table = Table([*columns, Column(hardware, keep=8, narrow=20), Column("ratio", "right", 9)])
    lanes = f"{format_quantity(offer.lanes, '')} multiply-adds a cycle" if offer.lanes else "clock not known"
    bits = 8 * whole.weight_bytes / max(whole.parameters, 1)
    offers = {
        "parameters": f"{format_quantity(offer.parameters(bits), '')} of {bits:.3g} bits" if bits else "-",
        "compute": f"{format_quantity(offer.flops_per_s, 'FLOP/s')} in {offer.compute_format}",
        "storage": format_quantity(offer.memory_bytes, "B"),
        "bandwidth": f"{format_quantity(offer.bytes_per_s, 'B/s')}, from {offer.ridge:.3g} FLOP/B on compute-bound",
        "parallelism": lanes,
    }  # fmt: skip
    ratios = compare(whole, offer, asked)
    for name, need in _needs(asked, whole).items():
        ratio = ratios[name]
        if ratio["ratio"] is None:
            text = "-"
        elif ratio["unit"] == "s":
            text = format_quantity(ratio["ratio"], "s")
        elif name == "parallelism":
            text = f"{format_quantity(ratio['ratio'], '')} waves"
        else:
            text = f"{100 * ratio['ratio']:.3g} %" if ratio["ratio"] < 10 else f"{ratio['ratio']:,.0f}x"
        table.add(name, need, offers[name], text)
    return table


def _needs(asked: Question, whole: Metrics) -> dict[str, str]:
    """The five metrics in words."""
    active = whole.active_parameters
    unit = "token" if asked.model.unit == "token" else "sample"
    compute = f"{_flops(whole.forward_flops)} forward ({whole.forward_flops:,})"
    if asked.train:
        compute += f", {_flops(BACKWARD * whole.forward_flops)} backward"
    elif "decode" in whole.passes:
        prefill, decode = (_flops(whole.passes[name].flops) for name in ("prefill", "decode"))
        compute += f"; prefill {prefill}, decode {decode} a step"
    formats = ", ".join(f"{fmt} {_bytes(size)}" for fmt, size in whole.weight_bytes_by_format.items())
    storage = f"{_bytes(whole.storage_bytes)}: weights {formats}"
    if asked.train:
        storage += (f", gradients {_bytes(whole.gradient_bytes)}, optimizer {_bytes(whole.optimizer_bytes)}, "
                    f"saved activations {_bytes(whole.saved_bytes)}")  # fmt: skip
    else:
        held = {"KV cache": whole.cache_bytes, "state": whole.state_bytes, "activations": whole.activation_bytes}
        storage += "".join(f", {name} {_bytes(size)}" for name, size in held.items() if size)
    moved = [f"{name} {_bytes(one.bytes)} at {one.intensity:.3g} FLOP/B" for name, one in whole.passes.items()
             if name != "prefill"]  # fmt: skip
    axes = ", ".join(f"{name} {size:,}" for name, size in whole.axes.items() if size > 1)
    return {
        "parameters": f"{whole.parameters:,}" + (f", {active:,} active a {unit}" if active != whole.parameters else ""),
        "compute": compute,
        "storage": storage,
        "bandwidth": "; ".join(moved),
        "parallelism": f"{format_quantity(whole.independent, '')} values at once{'; ' + axes if axes else ''}",
    }


def _hardware(whole: Metrics, offer: Offering) -> None:
    click.echo()
    fewest, most = smallest_count(whole, offer.device), largest_split(whole)
    text = f"Fewest {offer.device.name} that hold it: {fewest}"
    if fewest > most:
        text += f", but its tensors and blocks divide over {most} at most"
    paragraph(text + ".")


def show_comparison(asked: list[Question], wholes: list[Metrics]) -> None:
    """Two models side by side, and the second over the first."""
    names = [one.model.name for one in asked]
    table = Table([Column("", keep=10), *(Column(name, "right", 9) for name in names), Column("ratio", "right", 8)])
    for (name, first, unit), (_, second, _) in zip(*(figures(whole) for whole in wholes), strict=True):
        ratio = f"{second / first:.3g}" if first else "-"
        texts = [f"{int(value):,}" if unit == "1" else format_quantity(value, unit) for value in (first, second)]
        table.add(name.replace("_", " "), *texts, ratio)
    table.show()


def figures(whole: Metrics) -> list[tuple[str, float, str]]:
    """The figures of a comparison: name, value, unit."""
    _, moved = step(whole)
    answer: list[tuple[str, float, str]] = [
        ("parameters", whole.parameters, "1"), ("active_parameters", whole.active_parameters, "1"),
        ("forward_flops", whole.forward_flops, "FLOP"), ("weight_bytes", whole.weight_bytes, "B"),
        ("kv_bytes_per_token", whole.cache_bytes_per_token, "B"), ("storage_bytes", whole.storage_bytes, "B"),
        ("bytes_a_step", moved.bytes, "B"), ("flops_a_step", moved.flops, "FLOP"),
        ("independent_values", whole.independent, ""),
    ]  # fmt: skip
    return answer


def _flops(value: float) -> str:
    return format_quantity(value, "FLOP") if value else "-"


def _bytes(value: float) -> str:
    return format_quantity(value, "B") if value else "-"
