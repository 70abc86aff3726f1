"""The command ``advisor sweep``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from advisor.cli import output
from advisor.cli.session import Session, common_options


@click.command(short_help="Rank every combination of models, workloads and constraints in a TOML file.")
@click.argument("grid_file", metavar="GRID", type=click.Path(path_type=Path))
@click.option("--output", "output_file", required=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Where the rows go: a .csv, a .parquet, or a folder for many .parquet (need pyarrow).")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N",
              help="Processes; 1 works in this one.  [default: the cores there are]")  # fmt: skip
@click.option("--chunk", type=click.IntRange(1, 100_000), metavar="N", help="Combinations that a worker takes at once.")
@click.option("--dask", is_flag=True, help="Use a local Dask cluster of that many workers.")
@click.option("--scheduler", default="", metavar="ADDRESS", help="Use the Dask cluster at this address: tcp://host:8786.")
@output.force_option
@output.json_option
@common_options
@click.pass_obj
def sweep(
    session: Session, /, grid_file: Path, output_file: Path, workers: int | None, chunk: int | None, dask: bool,
    scheduler: str, force: bool, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """Rank every combination of models, workloads and constraints in GRID, a TOML file (docs/sweep.md).

    A sweep that was stopped goes on where it was when the command is given again.

    \b
    advisor sweep grid.toml --output sweep.csv
    """
    from advisor_sweep.grid import read_grid
    from advisor_sweep.run import CHUNK, run_sweep, usable_cores

    grid = read_grid(grid_file)
    advisor = session.advisor()
    for model in grid.models:
        advisor.read(model)
    count = workers or usable_cores()
    with _executor(dask, scheduler, count) as (executor, count), _progress() as report:
        found = run_sweep(grid, output_file, executor, count, chunk or CHUNK, session.skipped(), force, report)
    if as_json:
        output.print_json({"schema": output.schema("sweep"), "output": str(found.output), "points": found.points,
                           "resumed": found.resumed, "rows": found.rows, "warnings": advisor.warnings})  # fmt: skip
    else:
        resumed = f" ({found.resumed:,} were done before)" if found.resumed else ""
        click.echo(f"{found.points:,} combinations{resumed}: {found.rows:,} rows in {found.output}")
        session.warn(advisor.warnings)


@contextmanager
def _executor(dask: bool, scheduler: str, workers: int) -> Iterator[tuple[Any, int]]:
    """What makes the executor (None: this process), and its workers."""
    if dask or scheduler:
        from advisor_sweep.dask_engine import dask_executor

        with dask_executor(scheduler, workers) as found:
            yield found
        return
    from advisor_sweep.run import processes

    yield (processes(workers) if workers > 1 else None), workers


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda done, points: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(TextColumn("Sweep"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                   console=Console(stderr=True))  # fmt: skip
    with bar:
        task = bar.add_task("", total=None)
        yield lambda done, points: bar.update(task, completed=done, total=points)
