"""The command ``advisor plan-training``: how large a model, on how many tokens, a budget trains best."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output
from advisor.cli.progress import progress
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph
from advisor.errors import InputError
from advisor.units import format_quantity, parse_count, parse_money, parse_seconds
from advisor_plan.scaling import FLOPS_EACH, loss, optimal

if TYPE_CHECKING:
    from advisor.api import Advisor

#: Sizes beside the best: smaller ones, trained for longer, are cheaper to serve.
SHARES = (2.0, 1.0, 0.5, 0.25, 0.125)
#: The rate depends on the size, and the size on the rate: so many rounds suffice.
ROUNDS = 4
#: No model is larger, and none that the law was fitted on comes near.
MOST_PARAMETERS = 1e15
PAPERS = "Hoffmann et al. 2022, as refitted by Besiroglu et al. 2024; dense decoders, web text, one pass"


@dataclass(frozen=True)
class Plan:
    """One size with its tokens, expected loss and what its run takes."""

    parameters: float
    tokens: float
    loss: float
    flops: float
    run_time_s: float
    cost_usd: float | None
    flops_per_s_per_device: float
    devices: int


@click.command("plan-training")
@click.option("--on", required=True, metavar="SYSTEM", help="COUNTxDEVICE such as 64xh100, a device, or a system.")
@click.option("--budget", metavar="USD", help="Most to spend on the run.")
@click.option("--finish-in", metavar="TIME", help="Time until the run must be done.")
@click.option("--seq-len", metavar="COUNT", default="4096", show_default=True, help="Tokens a training sequence.")
@output.json_option
@common_options
@click.pass_obj
def plan_training(
    session: Session, /, on: str, budget: str | None, finish_in: str | None, seq_len: str, as_json: bool, **_: Any
) -> None:
    """Say how large a dense decoder, on how many tokens, a budget or a time trains best on one system.

    \b
    advisor plan-training --on 64xh100 --budget 100k
    advisor plan-training --on 2048xdgx-h100 --finish-in 30d

    Sizes follow the scaling law of Hoffmann et al. 2022; rates and prices are the advisor's.
    """
    money = None if budget is None else _read("budget", parse_money, budget)
    seconds = None if finish_in is None else _read("finish-in", parse_seconds, finish_in)
    if (money is None) == (seconds is None):
        raise InputError("give one of --budget and --finish-in")
    length = int(_read("seq-len", parse_count, seq_len))
    with progress("Planning"):
        plans = plan(session.advisor(), on, money, seconds, length)
    if as_json:
        listed = [asdict(row) for row in plans]
        output.print_json({"schema": output.schema("plan_training"), "law": PAPERS, "plans": listed})
        return
    paragraph(f"{plans[0].devices:,} devices for {format_quantity(plans[0].run_time_s, 's')}: "
              f"{plans[0].flops:.2e} FLOPs (6 a parameter and token)")  # fmt: skip
    click.echo()
    table = Table([Column(name, "right", 9) for name in ("parameters", "tokens", "tokens each", "loss", "cost")])
    for row in plans:
        cost = "" if row.cost_usd is None else f"${row.cost_usd:,.0f}"
        table.add(_short(row.parameters), _short(row.tokens),
                  f"{row.tokens / row.parameters:.0f}", f"{row.loss:.3f}", cost)  # fmt: skip
    table.without_empty().show()
    click.echo()
    best = min(plans, key=lambda row: row.loss)
    paragraph(f"Best: {_short(best.parameters)} parameters on {_short(best.tokens)} tokens. "
              f"Law: {PAPERS}.")  # fmt: skip


def _short(count: float) -> str:
    size, letter = next((scale for scale in ((1e12, "T"), (1e9, "B"), (1e6, "M")) if count >= scale[0]), (1e3, "k"))
    return f"{count / size:.3g}{letter}"


def _read(name: str, parse: Any, text: str) -> float:
    try:
        value = float(parse(text))
    except (ValueError, TypeError) as error:
        raise InputError(f"--{name}: {error}") from None
    if value <= 0:
        raise InputError(f"--{name}: expected more than 0, not {text!r}")
    return value


def plan(advisor: Advisor, on: str, money: float | None, seconds: float | None, length: int) -> list[Plan]:
    """Plans of several sizes around the best, largest first."""
    size = 1e9
    for _ in range(ROUNDS):
        if size > MOST_PARAMETERS:
            given = "--budget" if seconds is None else "--finish-in"
            raise InputError(f"{given}: trains a model of more than {_short(MOST_PARAMETERS)} parameters; give less")
        rate, price, devices = _rate(advisor, on, size, length)
        time = _time(on, money, seconds, price)
        size, _ = optimal(rate * time)
    flops = rate * time
    answer = []
    for share in SHARES:
        parameters = size * share
        tokens = flops / FLOPS_EACH / parameters
        cost = None if price is None else price * time
        answer.append(Plan(parameters, tokens, loss(parameters, tokens), flops, time, cost, rate / devices, devices))
    return answer


def _time(on: str, money: float | None, seconds: float | None, price: float | None) -> float:
    if seconds is not None:
        return seconds
    if not price:
        raise InputError(f"{on}: no offer gives a price, so that a budget says nothing: give --finish-in")
    return (money or 0.0) / price


def _rate(advisor: Advisor, on: str, size: float, length: int) -> tuple[float, float | None, int]:
    """Useful FLOP/s of all devices for a model of that size, US dollars a second, and devices."""
    from advisor.interfaces import ModelSource
    from advisor.reading import read_source

    model = read_source(advisor.registry, ModelSource("plan", options={"params": f"{size / 1e9:.3g}B"}))
    ranking = advisor.estimate(model, on, task="train", seq_len=length)
    candidates = [row for row in ranking if row.estimated]
    if not candidates:
        reasons = sorted(ranking.context.left_out.items(), key=lambda item: -item[1])
        why = reasons[0][0] if reasons else "nothing fits"
        raise InputError(f"{on}: a model of {size / 1e9:.3g}B parameters: {why}")
    fastest = max(candidates, key=lambda row: row.column("samples_per_s") * row.column("goodput"))
    rate = fastest.column("samples_per_s") * fastest.column("goodput") * length * FLOPS_EACH * model.parameters
    offers = ranking.context.offer_list
    prices = [offer.price_usd_per_hour * fastest.system_count / 3600 for offer in offers
              if offer.price_usd_per_hour and not offer.interruptible]  # fmt: skip
    return rate, min(prices, default=None), fastest.device_count
