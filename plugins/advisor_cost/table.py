"""The breakdown for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from advisor.cli import words
from advisor.cli.tables import Column, Table, paragraph
from advisor.ranking.result import Candidate
from advisor.units import format_quantity

SHOWN_APIS = 6


class Money:
    """Amounts in the currency that was asked for."""

    def __init__(self, currency: Mapping[str, Any]) -> None:
        self.code, self.per_usd = str(currency["code"]), float(currency["per_usd"])

    def __call__(self, usd: float | None, each: str = "") -> str:
        if usd is None:
            return "-"
        text = format_quantity(usd * self.per_usd, "USD")
        return (text if self.code == "USD" else f"{text.removeprefix('$')} {self.code}") + each


def show(candidate: Candidate, answer: Mapping[str, Any]) -> None:
    """Print everything of ``breakdown``."""
    money = Money(answer["currency"])
    context = candidate.ranking.context
    paragraph(f"{context.model.name}, {context.workload.task}, on {words.hardware(candidate)} {words.at(candidate)}, "
              f"{words.recipe(candidate)}")  # fmt: skip
    rate = answer["currency"]
    of = f"; 1 USD = {rate['per_usd']:g} {rate['code']} on {rate['date']}" if rate["code"] != "USD" else ""
    asked = answer["prices_of"]
    paragraph((f"price of {asked['offer']} ({asked['source']})" if asked["offer"] else "price as given") + of)
    for reason in candidate.reasons:
        paragraph(f"not feasible: {reason}")
    _costs(answer, money)
    _parts(answer, money)
    if answer["traffic"]:
        _traffic(answer["traffic"], money)
    _terms(answer, money)
    if answer["break_even"]:
        _break_even(answer["break_even"], answer["years"], money)
    _apis(answer["apis"], money)
    for item in answer["assumptions"]:
        paragraph(f"assumed: {item['name']} {item['value']:g} {item['unit']} ({item['low']:g} to {item['high']:g}), "
                  f"{item['doc']}", indent="  ")  # fmt: skip


def _costs(answer: Mapping[str, Any], money: Money) -> None:
    table = Table([Column("cost", keep=10), Column("value", "right", 9), Column("80 % interval", "right", 8)])
    for name, figure in answer["costs"].items():
        each = figure["unit"].removeprefix("USD")
        ends = "" if figure["low"] == figure["high"] else f"{money(figure['low'])} – {money(figure['high'])}"
        table.add(words.heading(name), money(figure["value"], each), ends)
    click.echo()
    table.show()


def _parts(answer: Mapping[str, Any], money: Money) -> None:
    parts, total = answer["parts"], sum(answer["parts"].values())
    table = Table([Column(f"part of a {answer['period']}", keep=10), Column("value", "right", 9),
                   Column("share", "right", 8)])  # fmt: skip
    for name, value in sorted(parts.items(), key=lambda item: -item[1]):
        table.add(name, money(value), f"{100 * value / total:.1f} %" if total else "")
    click.echo()
    table.show()
    paragraph(_data(answer["data"], money))
    if answer["idle_share"] > 0.005:
        paragraph(f"idle: {100 * answer['idle_share']:.0f} % of the capacity that is paid for "
                  f"({money(total * answer['idle_share'])} a {answer['period']})")  # fmt: skip


def _data(data: Mapping[str, Any], money: Money) -> str:
    """What storage and egress are counted with, and what no price is known of."""
    stored, sent = data["stored_gb"], data["sent_gb_per_request"]
    storage, egress = data["storage_usd_per_gb_month"], data["egress_usd_per_gb"]
    unknown = "(the provider publishes no price: none counted)"
    said = [f"{stored:,.3g} GB stored {unknown if storage is None else f'at {money(storage)} a GB and month'}"]
    if sent:
        said.append(f"{1e3 * sent:.3g} MB sent a request {unknown if egress is None else f'at {money(egress)} a GB'}")
    return f"data: {'; '.join(said)}"


def _traffic(found: Mapping[str, Any], money: Money) -> None:
    click.echo()
    units = found["units_by_hour"]
    scales = found["follows_traffic"] and min(units) < max(units)
    doing = f"{min(units)} to {max(units)} units by the hour" if scales else "all units all day"
    month, without = money(found["usd_per_month"]), money(found["usd_per_month_without"])
    paragraph(f"traffic {found['profile']}: {100 * found['mean_share']:.0f} % of the busiest hour on average, {doing}: "
              f"{month} a month{f' (without autoscaling {without})' if scales else ''}, "
              f"{money(found['usd_per_request'])} a request, {100 * found['busy_share']:.0f} % busy")  # fmt: skip
    paragraph(f"  profile: {found['source']}")


def _terms(answer: Mapping[str, Any], money: Money) -> None:
    if not answer["terms"]:
        return
    names = {"cost_per_run": "run", "cost_per_month": "month", "cost_per_thousand_samples": "1k samples"}
    each = names[answer["terms"][0]["cost"]]
    table = Table([Column("terms for this system", keep=10), Column("where", keep=8), Column(each, "right", 9),
                   Column("80 % interval", "right", 6), Column(f"{answer['years']:g} years", "right", 7),
                   Column("price of", keep=4)])  # fmt: skip
    for term in answer["terms"]:
        ends = "" if term["low"] == term["high"] else f"{money(term['low'])} – {money(term['high'])}"
        table.add(term["term"], f"{term['provider']} {term['region']}", money(term["value"]), ends,
                  money(term["usd_over_years"]), term["date"])  # fmt: skip
    click.echo()
    table.show()


def _break_even(found: Mapping[str, Any], years: float, money: Money) -> None:
    click.echo()
    when = found["pays_after_years"]
    cash = found["cash_pays_after_years"]
    verdict = "does not pay" if when is None else f"pays after {when:.1f} years" if when >= 0.05 else "pays at once"
    paid = f"after {cash:.1f} years" if cash is not None else f"not within {years:g} years"
    use, price = f"{100 * found['use']:.0f} %", money(found["purchase_usd"])
    paragraph(f"rent or buy over {years:g} years, in use {use} of the hours, against {found['rent']}: buying at "
              f"{price} a system {verdict}, the value it still has counted; all that was paid is back {paid}")
    if found["purchase_estimated"]:
        paragraph(f"  purchase price estimated: {found['purchase_estimated']}")
    table = Table([Column("years", "right", 10), Column("rent", "right", 9), Column("own less value", "right", 9),
                   Column("own, paid", "right", 7), Column("buying pays from", "right", 8)])  # fmt: skip
    for point in _some(found["curve"]):
        use = point["least_use"]
        share = "never" if use is None or use > 1 else f"{100 * use:.0f} % in use"
        amounts = (money(point[name]) for name in ("rent_usd", "own_usd", "cash_usd"))
        table.add(f"{point['years']:g}", *amounts, share)
    table.show()


def _some(curve: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Half-yearly points, or yearly ones of a long curve, without the first."""
    step = 0.5 if curve[-1]["years"] <= 4 else 1.0
    return [point for point in curve[1:] if point["years"] % step == 0]


def _apis(rows: Sequence[Mapping[str, Any]], money: Money) -> None:
    if not rows:
        return
    table = Table([Column("by the token", keep=10), Column("in /1M", "right", 7), Column("out /1M", "right", 7),
                   Column("request", "right", 8), Column("month", "right", 9),
                   Column("own pays above", "right", 8), Column("read on", keep=4)])  # fmt: skip
    for row in rows[:SHOWN_APIS]:
        rate = row["own_pays_above_requests_per_s"]
        table.add(f"{row['provider']} {row['name']}", money(row["input_usd_per_million"]),
                  money(row["output_usd_per_million"]), money(row["usd_per_request"]), money(row["usd_per_month"]),
                  f"{rate:.3g} /s" if rate is not None else "-", row["date"])  # fmt: skip
    click.echo()
    table.show()
    if len(rows) > SHOWN_APIS:
        paragraph(f"and {len(rows) - SHOWN_APIS} dearer (--json)")
