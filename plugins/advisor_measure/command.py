"""The command ``advisor measure``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from advisor.cli import output
from advisor.cli.progress import progress
from advisor.cli.session import Session, common_options
from advisor.cli.tables import Column, Table, paragraph

if TYPE_CHECKING:
    from advisor.devices import Device

#: Others that keep more of the cores busy than this make figures too low to be trusted.
BUSY_SHARE = 0.15


@click.command(short_help="Measure this machine, and keep it as the device local-cpu.")
@click.option("--output", "output_file", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the profile here instead of the user's configuration folder.")  # fmt: skip
@output.force_option
@click.option("--seconds", type=click.FloatRange(5, 600), default=45.0, show_default=True, metavar="NUMBER",
              help="Time to spend, about.")  # fmt: skip
@click.option("--no-runtimes", is_flag=True, help="Leave out PyTorch, ONNX Runtime and TensorFlow, if installed.")
@output.json_option
@common_options
@click.pass_obj
def measure(
    session: Session, /, output_file: Path | None, force: bool, seconds: float, no_runtimes: bool, as_json: bool,
    **_: Any,
) -> None:  # fmt: skip
    """Measure this machine, and keep it as the device local-cpu (local-gpu too where PyTorch finds one).

    Memory bandwidth, matrix products by shape and format, the time of small operations, and the same in the
    runtimes that are installed where the advisor is. Nothing leaves the machine.

    \b
    advisor measure
    advisor estimate model.h5 --on local-cpu
    advisor rank model.h5 --device local-cpu,l4
    """
    from advisor_measure.graphics import measure_graphics
    from advisor_measure.processor import measure_processor
    from advisor_measure.saved import profile_path, profile_text

    path = output_file or profile_path()
    if not force:
        output.refuse_existing(path)
    with progress("Measuring"):
        devices = [measure_processor(seconds, lambda what: None, not no_runtimes)]
        if not no_runtimes:
            devices += measure_graphics(0.15 * seconds)
    output.write_file(path, profile_text(devices), force, parents=output_file is None)
    if as_json:
        output.print_json({"schema": output.schema("measure"), "profile": str(path),
                           "devices": [device.to_plain() for device in devices]})  # fmt: skip
    else:
        for device in devices:
            _show(device)
        paragraph(f"saved in {path}: advisor estimate MODEL --on local-cpu")
    session.warn(_warnings(devices[0]))


def _show(device: Device) -> None:
    paragraph(f"{device.id}: {device.name}")
    table = Table([Column("figure", keep=10), Column("measured", "right", 9)])
    table.add("memory", f"{device.memory_gib:.1f} GiB")
    table.add("memory bandwidth", f"{device.memory_bandwidth_gb_per_s:.1f} GB/s")
    for name in device.formats:
        table.add(f"{name} products", f"{device.peak_tflops[name]:.3g} TFLOP/s")
    for name, value in device.extra.items():
        if name.startswith("efficiency."):
            table.add(name.removeprefix("efficiency.").replace(".", " ").replace("_", " "), f"{value:.3g}")
    table.show()
    click.echo()


def _warnings(device: Device) -> list[str]:
    busy = device.extra["busy_by_others"]
    if device.compute_units == 1 or busy <= BUSY_SHARE * device.compute_units:  # one core: processor time was taken
        return []
    return [f"other processes kept {busy:.1f} processors busy meanwhile: the figures may be too low; "
            "measure again (--force) when the machine is idle"]  # fmt: skip
