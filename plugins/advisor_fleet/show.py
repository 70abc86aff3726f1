"""A plan as tables and sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from advisor.cli.tables import Column, Table, paragraph
from advisor.columns import COLUMNS
from advisor.units import format_quantity

#: Estimate to the workload field that limits it, which is what a user wrote.
LIMITED_BY = {column.name: column.limited_by for column in COLUMNS}

if TYPE_CHECKING:
    from advisor_fleet.plan import FleetPlan


def show_plan(plan: FleetPlan, answer: dict[str, Any]) -> None:
    """Print what to rent, what carries each workload, and what binds."""
    by_cost = answer["objective"] == "cost"
    if not answer["feasible"]:
        paragraph("No fleet keeps to every limit.")
        for line in answer["gaps"]:
            paragraph(f"  {line}", indent="    ")
        _show_binding(answer, by_cost)
        return
    paragraph(f"Fleet for {len(answer['workloads'])} workloads: {_money(answer['cost_per_month'])}, "
              f"{_carbon(answer['carbon_kg_per_month'])}")  # fmt: skip
    click.echo()
    _systems(answer).show()
    click.echo()
    _workloads(answer).show()
    click.echo()
    paragraph(_proof(answer, by_cost))
    if answer["single_kinds"]:
        best = answer["single_kinds"][0]
        paragraph(f"The best fleet of one kind of device, {best['device']}, takes {_amount(best['value'], by_cost)}: "
                  f"the mix saves {100 * answer['saving']:.1f} %.")  # fmt: skip
    else:
        paragraph("No one kind of device alone carries everything.")
    _show_binding(answer, by_cost)


def _money(value: float | None) -> str:
    return format_quantity(value, "USD/month")


def _carbon(kilograms: float | None) -> str:
    return "carbon unknown" if kilograms is None else f"{format_quantity(1000 * kilograms, 'g')} CO2e/month"


def _amount(value: float, by_cost: bool) -> str:
    return _money(value) if by_cost else _carbon(value)


def _proof(answer: dict[str, Any], by_cost: bool) -> str:
    found = answer["solver"]
    text = f"No plan can be below {_amount(found['bound'], by_cost)}: this one is within {100 * found['gap']:.2g} %"
    if found["proved"]:
        return f"{text} (asked for: {100 * found['asked_gap']:.2g} %)."
    return f"{text}; the time limit of {format_quantity(found['time_limit'], 's')} was reached."


def _systems(answer: dict[str, Any]) -> Table:
    table = Table([
        Column("units", "right", 10), Column("hardware", keep=9, narrow=14), Column("where", keep=8, narrow=12),
        Column("runs", keep=9, narrow=10), Column("recipe", keep=6, narrow=12), Column("load", "right", 4),
        Column("cost /month", "right", 9),
    ])  # fmt: skip
    for item in answer["deployments"]:
        units = item["units_by_hour"]
        offer = item["offer"]
        count = item["devices_per_unit"]
        term = "" if offer["term"] in ("on-demand", "owned") else f" {offer['term']}"
        table.add(
            _span(min(units), max(units)), f"{count} x {item['device_name']}",
            f"{offer['provider']} {offer['region']}{term}", " + ".join(run["workload"] for run in item["runs"]),
            "; ".join(dict.fromkeys(" ".join(run["recipe"].values()) or "as it is" for run in item["runs"])),
            f"{100 * item['load']:.0f} %", format_quantity(item["cost_per_month"], "USD"),
        )  # fmt: skip
    return table


def _span(least: float, most: float) -> str:
    low, high = (f"{value:.3g}" for value in (least, most))
    return low if low == high else f"{low}-{high}"


def _workloads(answer: dict[str, Any]) -> Table:
    table = Table([
        Column("workload", keep=10, narrow=8), Column("model", keep=4, narrow=12), Column("req/s", "right", 9),
        Column("peak", "right", 7), Column("carried by", keep=8, narrow=20), Column("TTFT", "right", 6),
        Column("TPOT", "right", 6),
    ])  # fmt: skip
    for item in answer["workloads"]:
        parts = [f"{name} {100 * share:.0f} %" for name, share in item["carried_by"].items()]
        serves = item["task"] == "serve"
        rates = (item["requests_per_s"], item["peak_requests_per_s"])
        low, high = (format_quantity(rate, "") if serves else "-" for rate in rates)
        table.add(item["name"], item["model"], low, high, ", ".join(parts),
                  _slowest(answer, item["name"], "time_to_first_token"),
                  _slowest(answer, item["name"], "time_per_output_token"))  # fmt: skip
    return table.without_empty()


def _slowest(answer: dict[str, Any], name: str, estimate: str) -> str:
    """The slowest estimate over what carries requests of a workload, taking turns with whatever shares its system."""
    found = [len(item["runs"]) * size["estimates"][estimate]["value"]
             for item in answer["deployments"] for run in item["runs"] if run["workload"] == name
             for size in run["sizes"] if size["share"] > 0 and estimate in size["estimates"]]  # fmt: skip
    return format_quantity(max(found), "s") if found else "-"


def _show_binding(answer: dict[str, Any], by_cost: bool) -> None:
    binding = [item for item in answer["binding"] if item["binds"]]
    loose = [item for item in answer["binding"] if not item["binds"] and item["value"] is not None]
    if binding:
        click.echo("\nWhat binds:")
    for item in binding:
        without = _amount(item["value"], by_cost)
        paragraph(f"  {_rule(item)}: without it {without}")
    if loose and answer["feasible"]:
        paragraph("Lifting any other rule alone changes nothing: " + ", ".join(map(_rule, loose)) + ".")
    for item in answer["workloads"]:
        if item["price_of_one_request_per_s"]:
            unit = "USD" if by_cost else "g"
            price = item["price_of_one_request_per_s"]
            paragraph(f"One more request a second of {item['name']} adds about {format_quantity(price, unit)} a month.")


def _rule(item: dict[str, Any]) -> str:
    rule = LIMITED_BY.get(item["rule"]) or item["rule"]
    return f"{item['workload']}: {rule}" if item["workload"] else rule
