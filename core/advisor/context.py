"""What a plugin's methods are given beside the rows: the model, the workload and the hardware as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.devices import Device, Link, System
from advisor.formats import CODES, FORMATS, fallbacks
from advisor.models import Model
from advisor.offers import Offer
from advisor.records import replace
from advisor.support import Framework, Legality
from advisor.workload import Workload

if TYPE_CHECKING:
    from advisor.policies import Policy

Made = TypeVar("Made")


class DeviceColumns:
    """Devices as numpy columns in base units (B, B/s, FLOP/s, W, s); NaN where a figure is unknown.

    ``native[d, f]`` says whether device d computes in format f; ``flops[d, f]`` is its dense peak
    rate in f or, where it lacks f, in the format that carries it.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self.devices = list(devices)
        self.memory_bytes = self.column(lambda d: d.memory_gib * 2**30)
        self.memory_bandwidth = self.column(lambda d: d.memory_bandwidth_gb_per_s * 1e9)
        self.cache_bytes = self.column(lambda d: d.cache_mib and d.cache_mib * 2**20)
        self.compute_units = self.column(lambda d: d.compute_units)
        self.clock_hz = self.column(lambda d: d.clock_ghz and d.clock_ghz * 1e9)
        self.board_power = self.column(lambda d: d.board_power_w)
        self.idle_power = self.column(lambda d: d.idle_power_w)
        self.native = np.zeros((len(self.devices), len(FORMATS)), dtype=bool)
        self.flops = np.zeros((len(self.devices), len(FORMATS)))
        self.carrier = np.zeros((len(self.devices), len(FORMATS)), dtype=np.int8)
        carriers: dict[tuple[str, ...], list[int]] = {}  # many devices compute in the same formats
        for position, device in enumerate(self.devices):
            formats = tuple(device.peak_tflops)
            if formats not in carriers:
                carriers[formats] = _carriers(formats)
            rates = np.zeros(len(FORMATS))
            own = [CODES[name] for name in formats]
            rates[own] = list(device.peak_tflops.values())
            self.native[position, own] = True
            self.carrier[position] = carriers[formats]
            self.flops[position] = rates[carriers[formats]] * 1e12

    def column(self, figure: Callable[[Device], float | None]) -> Array:
        """Return one figure of every device; NaN where it is None."""
        return _column(self.devices, figure)

    def extra(self, name: str, default: float = np.nan) -> Array:
        """Return a figure of ``Device.extra`` for every device."""
        return self.column(lambda device: device.extra.get(name, default))


def _carriers(formats: Sequence[str]) -> list[int]:
    """The code of the format that each format is computed in on a device that has these."""
    widest = max(formats, key=lambda name: FORMATS[CODES[name]].bits)
    return [CODES[next((name for name in fallbacks(entry.name) if name in formats), widest)] for entry in FORMATS]


class SystemColumns:
    """Systems as numpy columns in base units; a link that a system lacks is its device's."""

    def __init__(self, systems: Sequence[System], devices: Sequence[Device]) -> None:
        self.systems = list(systems)
        position = {device.id: index for index, device in enumerate(devices)}
        self.device = np.array([position[system.device] for system in self.systems], dtype=np.int32)
        self.device_count = np.array([system.device_count for system in self.systems], dtype=np.int32)
        self.max_nodes = np.array([system.max_nodes for system in self.systems], dtype=np.int32)
        links = [system.link or devices[position[system.device]].link for system in self.systems]
        networks = [system.network or devices[position[system.device]].network for system in self.systems]
        self.link_bandwidth, self.link_latency = _link_columns(links)
        self.network_bandwidth, self.network_latency = _link_columns(networks)
        self.link_domain = np.array([link.max_devices if link else 1 for link in links], dtype=np.int32)
        self.link_names = [link.name if link else "" for link in links]
        self.host_memory_bytes = _column(self.systems, lambda s: s.host_memory_gib and s.host_memory_gib * 2**30)
        self.host_power = _column(self.systems, lambda s: s.host_power_w)


def _column(records: Sequence[Any], figure: Callable[[Any], float | None]) -> Array:
    values = [figure(record) for record in records]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _link_columns(links: Sequence[Link | None]) -> tuple[Array, Array]:
    return (
        _column(links, lambda link: link and link.bandwidth_gb_per_s * 1e9),
        _column(links, lambda link: link and link.latency_us * 1e-6),
    )


@dataclass
class Context:
    """One question: a model, a workload, and the hardware and offers that may answer it.

    ``warn`` takes a line for the user. ``note`` counts candidates left out for a reason. ``own`` are the records of
    the user's own catalog folders by kind, those that core does not know included.
    """

    model: Model
    workload: Workload
    device_list: Sequence[Device]
    system_list: Sequence[System]
    offer_list: Sequence[Offer]
    warnings: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    ranker: str = ""
    frameworks: list[str] = field(default_factory=lambda: [""])
    known_frameworks: Sequence[Framework] = ()
    find_policies: Callable[[], Iterable[Policy]] = tuple
    own: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def devices(self) -> DeviceColumns:
        """The devices as columns."""
        return DeviceColumns(self.device_list)

    @cached_property
    def systems(self) -> SystemColumns:
        """The systems as columns."""
        return SystemColumns(self.system_list, self.device_list)

    @cached_property
    def legality(self) -> Legality:
        """Which frameworks run which techniques on the devices."""
        return Legality(self.known_frameworks, self.device_list, self.model, self.workload)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what ``make`` gave when this name was first asked for: work to do once a question, not once a call.

        Names begin with the plugin's own, as every plugin sees the same ones.
        """
        if name not in self._kept:
            self._kept[name] = make()
        made: Made = self._kept[name]
        return made

    def changed(self, **changes: Any) -> Context:
        """The same question with some fields changed; what was worked out for this one is not taken over."""
        return replace(self, _kept={}, **changes)

    @cached_property
    def policies(self) -> Sequence[Policy]:
        """The policies that plugins know, collected when they are first asked for."""
        return tuple(self.find_policies())

    def warn(self, line: str) -> None:
        """Tell the user one line, once."""
        if line not in self.warnings:
            self.warnings.append(line)

    def note(self, reason: str, count: int) -> None:
        """Count candidates that were left out for ``reason``."""
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + int(count)

    def native(self, rows: Candidates, format_column: str) -> Array:
        """Whether each row's device computes natively in the format of the named column."""
        return np.asarray(self.devices.native[rows["device"], rows[format_column]])

    def peak_flops(self, rows: Candidates, format_column: str = "compute_format") -> Array:
        """Dense peak FLOP/s of one device of each row, in that format or the one that carries it."""
        return np.asarray(self.devices.flops[rows["device"], rows[format_column]])

    @property
    def tokens_per_sample(self) -> float:
        """Units that make one sample in training and batch work."""
        if self.model.unit != "token":
            return 1.0
        if self.workload.trains or not self.model.generates:
            return float(self.workload.sequence_length(self.model.max_context))
        return float(self.workload.input_tokens + self.workload.output_tokens)
