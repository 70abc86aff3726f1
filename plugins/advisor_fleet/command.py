"""The command ``advisor fleet``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from advisor.cli import output
from advisor.cli.session import Session, common_options


@click.command()
@click.argument("job", type=click.Path(path_type=Path))
@click.option("--owned", type=click.Path(path_type=Path), metavar="FILE",
              help="TOML inventory of hardware that you have, beside what is on offer.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Do not solve again without each rule.")
@output.json_option
@common_options
@click.pass_obj
def fleet(session: Session, /, job: Path, owned: Path | None, quick: bool, as_json: bool, **_: Any) -> None:
    """Plan systems for several models and their traffic, at the least cost or carbon.

    JOB is a TOML file (docs/fleet.md). Needs scipy: pip install 'hardware-advisor[fleet]'.

    \b
    advisor fleet fleet.toml
    """
    from advisor.cli.progress import progress
    from advisor_fleet.answer import to_dict
    from advisor_fleet.job import read_fleet
    from advisor_fleet.plan import plan_fleet

    asked = read_fleet(job)
    advisor = session.advisor(owned, also_rent=True)
    with progress("Planning the fleet"):
        plan = plan_fleet(advisor, asked, what_if=not quick)
    answer = to_dict(plan)
    if as_json:
        output.print_json(answer)
        return
    from advisor_fleet.show import show_plan

    show_plan(plan, answer)
    session.warn(plan.warnings)
