"""What the layouts share: degrees, the devices that a degree may span, and the replicas that are left."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Refusals

#: Training state below this needs no sharing: 16 bytes a parameter (Rajbhandari et al. 2020, section 3.1).
STATE_BYTES_PER_PARAMETER = 16
SMALL_STATE_BYTES = 2**30


def degree(setting: int | str, name: str) -> int:
    """The setting as a whole number of devices, or an ``InputError``."""
    try:
        value = int(setting)
    except ValueError:
        value = 0
    if value < 1:
        raise InputError(f"{name}: expected a whole number of devices such as {name}=4, not {setting!r}")
    return value


def powers_of_two(most: int) -> list[int]:
    """2, 4, 8 and so on, up to ``most``."""
    return [2**exponent for exponent in range(1, max(most, 1).bit_length()) if 2**exponent <= most]


def divisors(number: int, most: int) -> list[int]:
    """Divisors of ``number`` from 2 up to ``most``."""
    return [value for value in range(2, min(number, most) + 1) if number % value == 0]


def most_devices(context: Context) -> int:
    """Devices of the largest unit that the question allows."""
    columns = context.systems
    most = int((columns.device_count.astype(np.int64) * columns.max_nodes).max(initial=1))
    limit = context.workload.max_devices
    return most if limit is None else min(most, limit)


def link_domain(rows: Candidates, context: Context) -> Array:
    """Devices that the fast link of each row's system joins, none beyond the unit."""
    return np.minimum(context.systems.link_domain[rows["system"]], rows["device_count"])


def widest_domain(context: Context) -> int:
    """The largest link domain among the systems in question."""
    columns = context.systems
    reach = np.minimum(columns.link_domain, columns.device_count * columns.max_nodes)
    return min(int(reach.max(initial=1)), most_devices(context))


def fit_replicas(rows: Candidates) -> Refusals:
    """Set the replicas that the other degrees leave; refuse rows whose devices they do not divide."""
    each = rows["tensor_parallel"] * rows["pipeline_parallel"] * rows["context_parallel"]
    count = rows["device_count"]
    rows["data_parallel"] = np.maximum(count // each, 1).astype(np.int32)
    return [
        (each > count, "tensor x pipeline x context parallel exceeds the devices of the unit"),
        ((each <= count) & (count % each != 0),
         "tensor x pipeline x context parallel does not divide the devices of the unit"),
    ]  # fmt: skip


def small_state(context: Context) -> bool:
    """Whether the training state is too small for sharing it to matter."""
    return context.model.parameters * STATE_BYTES_PER_PARAMETER < SMALL_STATE_BYTES
