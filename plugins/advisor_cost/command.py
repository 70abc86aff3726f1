"""``advisor cost``: what one candidate costs, in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from advisor.cli import output
from advisor.cli.model_options import model_options
from advisor.cli.options import QuestionCommand, workload_options
from advisor.cli.question import ask_of_one, on_option, owned_options
from advisor.cli.session import Session, common_options
from advisor.errors import InputError


@click.command(cls=QuestionCommand)
@click.argument("model", required=False)
@on_option
@click.option("--years", type=click.FloatRange(0.25, 30), default=3, show_default=True,
              help="Years that totals and the comparison of rent and purchase run over.")  # fmt: skip
@click.option("--traffic", default="", metavar="PROFILE",
              help="Daily traffic: flat, office, consumer, 24 numbers, or a file of them.")  # fmt: skip
@click.option("--currency", default="USD", show_default=True, metavar="CODE", help="Currency to show, such as EUR.")
@output.json_option
@owned_options
@model_options
@workload_options
@common_options
@click.pass_obj
def cost(
    session: Session, /, model: str | None, on: str, years: float, traffic: str, currency: str, as_json: bool,
    owned: Path | None, also_rent: bool, **params: Any,
) -> None:  # fmt: skip
    """Show what MODEL costs on one system: parts, other terms, rent or buy, and APIs by the token.

    \b
    advisor cost llama-3.1-8b --on 1xh100-sxm --request-rate 4 --traffic office
    advisor cost llama-3.1-8b --on 8xh100-sxm --task finetune --tokens 100M --term spot --currency EUR
    """
    from advisor_catalogs.currencies import find_currency
    from advisor_cost.breakdown import breakdown
    from advisor_cost.traffic import find_traffic

    money = find_currency(currency, session.registry().own.get("currencies", ()))
    profile = find_traffic(traffic) if traffic else None
    candidate = ask_of_one(session, model, on, params, owned, also_rent, "to cost")
    if candidate.offer is None:
        raise InputError(f"{on}: no offer is known, so no price (advisor offers list; --owned FILE for your own)")
    answer = breakdown(candidate, candidate.ranking.registry, years, profile, money)
    if as_json:
        output.print_json({**answer, "warnings": candidate.ranking.warnings})
        return
    from advisor_cost.table import show

    show(candidate, answer)
    session.warn(candidate.ranking.warnings)
