"""Devices and systems: hardware as data, checked once at the border."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import field
from msgspec.structs import force_setattr

from advisor.formats import CODES, format_named
from advisor.records import Checked, Number, PositiveFloat, PositiveInt


class Source(Checked, frozen=True, kw_only=True):
    """Where a figure comes from: a title or address, and the day it was read or published."""

    title: str
    url: str = ""
    date: date


class Link(Checked, frozen=True, kw_only=True):
    """A connection between devices: bandwidth of one device in one direction, and latency of one hop."""

    name: str
    bandwidth_gb_per_s: PositiveFloat
    latency_us: PositiveFloat = 5.0
    topology: str = "switch"
    max_devices: PositiveInt = 8


class Record(Checked, frozen=True, kw_only=True):
    """A catalog entry: frozen, unknown fields refused, and a source for its figures.

    ``sources`` maps a short key to where the figures come from; ``figure_sources`` names the key of
    a figure (or of a part of one, ``attributes.water_l_per_kwh``) that differs from the first one. A figure
    that is not published but derived is listed in ``estimated`` with the method.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    figure_sources: dict[str, str] = field(default_factory=dict)
    estimated: dict[str, str] = field(default_factory=dict)


class Device(Record, frozen=True, kw_only=True):
    """One accelerator or processor as sold.

    ``peak_tflops`` holds dense peak rates by number format (integer formats in TOP/s). ``sparse`` lists
    formats whose rate doubles with 2:4 sparsity. ``backend`` names the backend that estimates it, by
    default the one named like ``kind``. ``extra`` carries figures that only that backend reads.
    """

    id: str
    name: str
    vendor: str
    kind: str
    backend: str = ""
    aliases: tuple[str, ...] = ()
    family: str = ""
    launched: date | None = None
    memory_gib: PositiveFloat
    memory_bandwidth_gb_per_s: PositiveFloat
    peak_tflops: dict[str, PositiveFloat]
    sparse: tuple[str, ...] = ()
    compute_units: PositiveInt = 1
    clock_ghz: PositiveFloat | None = None
    cache_mib: PositiveFloat | None = None
    link: Link | None = None
    network: Link | None = None
    board_power_w: PositiveFloat
    idle_power_w: PositiveFloat | None = None
    embodied_kg_co2e: PositiveFloat | None = None
    confidential_computing: bool = False
    extra: dict[str, Number] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name formats as the advisor does (``float16`` is ``fp16``)."""
        if not self.peak_tflops:
            raise ValueError("peak_tflops: give at least one peak rate, such as {bf16 = 989.4}")
        if not self.peak_tflops.keys() <= CODES.keys():
            rates = {format_named(name).name: rate for name, rate in self.peak_tflops.items()}
            force_setattr(self, "peak_tflops", rates)

    @property
    def backend_name(self) -> str:
        """Name of the backend that estimates this device."""
        return self.backend or self.kind

    @property
    def formats(self) -> list[str]:
        """Formats that it computes natively, widest first."""
        return sorted(self.peak_tflops, key=CODES.__getitem__)


class System(Record, frozen=True, kw_only=True):
    """A node as sold: some of one device, their host, and the links within and between nodes."""

    id: str
    name: str = ""
    device: str
    device_count: PositiveInt
    aliases: tuple[str, ...] = ()
    link: Link | None = None
    network: Link | None = None
    max_nodes: PositiveInt = 1
    host_cpus: PositiveInt | None = None
    host_memory_gib: PositiveFloat | None = None
    host_power_w: PositiveFloat | None = None



def record_sources(record: Record) -> dict[str, Any]:
    """Return figure name to source for every figure that the record gives.

    Parts of a figure whose source is their own (``attributes.water_l_per_kwh``) follow it.
    """
    first = next(iter(record.sources), None)
    answer: dict[str, Any] = {}
    told = [*record.figure_sources, *record.estimated]
    for name, value in record.as_dict().items():
        if name in ("sources", "figure_sources", "estimated") or value in (None, "", (), {}):
            continue
        for figure in (name, *(part for part in dict.fromkeys(told) if part.startswith(f"{name}."))):
            key = record.figure_sources.get(figure, record.figure_sources.get(name, first))
            source = record.sources[key].title if key in record.sources else None
            answer[figure] = record.estimated.get(figure) or source
    return answer
