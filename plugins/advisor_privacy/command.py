"""The command ``advisor privacy``: the matrix of rules by offer for one workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output
from advisor.cli.options import job, some_workload_options
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor_privacy.matrix import Group, Matrix
    from advisor_privacy.rules import Rule

FIELDS = ("data_class", "data_region", "policies", "threat", "confidential", "provider", "region", "term",
          "on_premises", "buy")  # fmt: skip


@click.command()
@click.option("--each", is_flag=True, help="One line an offer, not one for offers that are alike.")
@click.option("--limit", type=click.IntRange(min=0), default=40, show_default=True, metavar="N",
              help="Lines to show; 0 for all.")  # fmt: skip
@output.json_option
@output.csv_option
@some_workload_options(*FIELDS)
@common_options
@click.pass_obj
def privacy(session: Session, /, each: bool, limit: int, as_json: bool, as_csv: bool, **params: Any) -> None:
    """Show which offers meet which rules of privacy, with the clause that each rule is from.

    Decision support, not legal advice.

    \b
    advisor privacy --data-class health --data-region germany
    advisor privacy --policy hipaa,soc-2 --region us --csv
    advisor privacy --data-class personal --data-region eu --threat operator,foreign-access
    """
    output.refuse_both(as_json, as_csv)
    workload = job(params)
    from advisor_privacy.applicable import laws_passed_over
    from advisor_privacy.matrix import matrix

    advisor = session.advisor()
    registry = advisor.registry
    offers = advisor.offers(workload)
    if not offers:
        raise InputError("no offer passes --provider, --region, --term and --on-premises together")
    passed_over = laws_passed_over(workload, lambda: registry.policies)
    found = matrix(workload, offers, registry.policies, registry.systems, registry.devices, each)
    warnings = [*advisor.warnings, *([passed_over] if passed_over else [])]
    if as_json:
        output.print_json({"schema": output.schema("privacy"), **found.to_dict(),
                           "warnings": warnings})  # fmt: skip
        return
    if as_csv:
        output.print_csv([output.flat(group) for group in found.to_dict()["offers"]])
    else:
        _show(found, limit or len(found.groups), each)
    session.warn(warnings)


def _show(found: Matrix, limit: int, each: bool) -> None:
    from advisor_privacy.matrix import NOTICE

    workload = found.workload
    data = f"{workload.data_class} data{f' of people in {workload.data_region}' if workload.data_region else ''}"
    followed = ", ".join(found.policies) or "none"
    threats = f"; threats: {', '.join(workload.threat)}" if workload.threat else ""
    paragraph(f"{data}; policies followed: {followed}{threats}")
    if found.rules:
        _rules(found).show()
        if any(_from_knowledge(found, rule) for rule in found.rules):
            click.echo("*: written from knowledge of the text; the others were read in it")
        click.echo()
    offers = _offers(found, limit, each)
    offers.show()
    if len(found.groups) > limit:
        click.echo(f"{len(found.groups) - limit} more lines (--limit 0)")
    total = sum(len(group.offers) for group in found.groups)
    counts = {verdict: sum(len(group.offers) for group in found.groups if group.verdict(found.rules) == verdict)
              for verdict in ("yes", "encrypted", "no")}  # fmt: skip
    encrypted = f", {counts['encrypted']} with confidential computing switched on" if counts["encrypted"] else ""
    click.echo(f"\n{counts['yes']} of {total} offers meet every hard rule{encrypted}; {counts['no']} do not")
    paragraph(NOTICE)


def _rules(found: Matrix) -> Table:
    table = Table([Column("rule", "right", 10), Column("name", keep=9), Column("of", keep=8), Column("topic", keep=4),
                   Column("worth", keep=7), Column("met by", "right", 7), Column("clause", keep=6, narrow=24)])
    for number, rule in enumerate(found.rules, 1):
        worth = "must" if rule.hard else f"{rule.points:g} points"
        table.add(number, rule.name, rule.origin or "all data", rule.data.topic, worth, found.met_by(number - 1),
                  rule.clause + " *" * _from_knowledge(found, rule))  # fmt: skip
    return table


def _from_knowledge(found: Matrix, rule: Rule) -> bool:
    policy = found.policies.get(rule.origin)
    return policy is not None and policy.kind != "choice" and rule.read is None


def _offers(found: Matrix, limit: int, each: bool) -> Table:
    breaks = any(group.broken(found.rules, True) for group in found.groups)
    table = Table([
        Column("offer" if each else "provider", keep=10), Column("country", keep=9), Column("tenancy", keep=5),
        *([] if each else [Column("offers", "right", 6)]),
        Column("allowed", keep=9), Column("score", "right", 9), Column("meets rules", keep=7, narrow=20),
        *([Column("breaks", keep=8, narrow=16)] if breaks else []),
    ])  # fmt: skip
    for group in found.groups[:limit]:
        table.add(*_cells(found, group, each), *([_numbers(found, group, False)] if breaks else []))
    return table


def _cells(found: Matrix, group: Group, each: bool) -> list[object]:
    where = group.country or ("own premises" if group.on_premises else "")
    name = group.offers[0].id if each else group.provider
    first = [name, where, group.tenancy, *([] if each else [len(group.offers)])]
    return [*first, group.verdict(found.rules), f"{group.score:g}", _numbers(found, group, True)]


def _numbers(found: Matrix, group: Group, met: bool) -> str:
    """Numbers of the rules that it meets, or of the hard ones that it breaks."""
    if met:
        pairs = zip(group.met, group.met_encrypted, strict=True)
        return " ".join(str(number) for number, (plain, encrypted) in enumerate(pairs, 1) if plain or encrypted)
    names = [rule.name for rule in found.rules]
    return " ".join(str(1 + names.index(rule.name)) for rule in group.broken(found.rules, True))
