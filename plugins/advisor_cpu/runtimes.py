"""What runtimes make of a processor: time of an operator and of a step, and the share of its rate they reach.

``runtimes.toml`` holds what is typical; a device that was measured gives its own figures as
``extra["efficiency.RUNTIME.NAME"]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.compiled import toml_data
from advisor.context import Context
from advisor.devices import Device
from advisor.formats import CODES
from advisor_roofline.frameworks import letters

OWN = "efficiency."


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return toml_data(Path(__file__).with_name("runtimes.toml"))


@cache
def runtime_of(framework: str) -> str:
    """Name of the runtime whose table a framework uses, its version ignored; empty where there is none."""
    wanted = letters(framework)
    for name, table in _tables().items():
        if wanted and wanted in (letters(name), *table.get("aliases", ())):
            return name
    return ""


def runtime_column(rows: Candidates, context: Context, figure: str, otherwise: Array) -> Array:
    """A figure of each row's runtime on its device; ``otherwise`` (a value a row) where none is known."""
    names = tuple(runtime_of(framework) for framework in context.frameworks)  # recipes add to them
    if not any(names) or not len(rows):
        return otherwise
    known = context.once(f"cpu.runtime.{figure}.{names}", lambda: np.array(
        [[_figure(device, name, figure) for name in names] for device in context.device_list]))  # fmt: skip
    found = known[rows["device"], rows["framework"]]
    return np.where(np.isnan(found), otherwise, found)


def arithmetic_codes(context: Context) -> Array:
    """Code of the format that each framework computes in whatever the weights' format; -1 where it follows them."""
    names = [_tables().get(runtime_of(framework), {}).get("arithmetic", "") for framework in context.frameworks]
    return np.array([CODES[name] if name else -1 for name in names])


def _figure(device: Device, runtime: str, figure: str) -> float:
    """The device's own figure, else the runtime's; NaN where neither gives one."""
    if not runtime:
        return np.nan
    own = device.extra.get(f"{OWN}{runtime}.{figure}")
    return float(_tables()[runtime].get(figure, np.nan) if own is None else own)


def measured(devices: Sequence[Device]) -> Array:
    """Whether each device gives figures of its own."""
    return np.array([any(name.startswith(OWN) for name in device.extra) for device in devices])
