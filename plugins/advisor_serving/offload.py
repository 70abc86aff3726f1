"""Weights outside the device's memory, read over a slower path in every pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Refusals
from advisor_serving.generation import OfGeneration, whole
from advisor_serving.sources import FLEXGEN, NVME, PCIE

#: B/s that one device copies from its host, and that a node reads from its disk, where no figure is known (estimated
#: from the sources). A device's own goes first: ``extra.host_link_gb_per_s``.
HOST_LINK, DISK = 25e9, 6e9


class Offload(OfGeneration):
    """The setting is the share of the weights, in percent, that is kept elsewhere; they are fetched layer by layer."""

    slot = "offload"
    stage = "memory"
    tried: Sequence[int | str] = (25, 50, 75, 90)

    def rate(self, rows: Candidates, context: Context) -> Array:
        """B/s of one device."""
        raise NotImplementedError

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        percent = whole(self.name, setting, 1, 100, 50)
        rows["offloaded_share"] = percent / 100
        rows["offload_bandwidth"] = self.rate(rows, context)
        hosts = np.array([device.kind == "cpu" for device in context.device_list])
        shared = context.devices.extra("unified_memory", 0.0)
        return [
            *self.not_generation(rows, context),
            (hosts[rows["device"]] | (shared > 0)[rows["device"]], "its memory is the host's"),
        ]


class CpuOffload(Offload):
    """Weights in the host's memory, over the device's link to it."""

    name = "cpu_offload"
    doc = "keep so many percent of the weights in the host's memory"
    sources = (FLEXGEN, PCIE)

    def by_default(self, context: Context) -> bool:
        """Where no system holds the model, at four bits a weight."""
        columns = context.systems
        holds = columns.device_count * context.devices.memory_bytes[columns.device] * columns.max_nodes
        return bool(len(holds)) and context.model.parameters * 0.5 > holds.max()

    def rate(self, rows: Candidates, context: Context) -> Array:
        own = context.devices.extra("host_link_gb_per_s") * 1e9
        return np.where(np.isnan(own), HOST_LINK, own)[rows["device"]]

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        refusals = super().apply(rows, setting, context)
        size = context.model.parameters * rows["weight_bits"] / 8 * rows["offloaded_share"]
        have = context.systems.host_memory_bytes[rows["system"]] * rows["nodes"]
        copies = np.maximum(rows["data_parallel"], 1)
        return [*refusals, (size * copies > 0.9 * have, "the host's memory does not hold them")]  # NaN: not known


class DiskOffload(Offload):
    """Weights on the node's disk, which its devices share."""

    name = "disk_offload"
    doc = "keep so many percent of the weights on disk"
    aliases = ("nvme_offload",)
    sources = (FLEXGEN, NVME)

    def rate(self, rows: Candidates, context: Context) -> Array:
        return DISK / np.maximum(context.systems.device_count[rows["system"]], 1.0)
