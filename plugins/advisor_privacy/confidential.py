"""Confidential computing: memory encrypted against the operator (SEV-SNP, TDX, GPU-CC), and what that costs.

The loss is of throughput as published; it comes from copies between host and device, which pass through
an encrypted buffer, so it takes time from every step alike. Nitro and like systems keep the operator out
without encrypting memory: they are no confidential computing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.devices import Device, Source
from advisor.interfaces import Refusals, Technique
from advisor.names import normalise
from advisor_privacy.encrypted_memory import IN_USE

if TYPE_CHECKING:
    from advisor_privacy.encryption_cost import Cost

#: Threats that it answers: whoever names one sees candidates with it beside those without.
ANSWERS = {"co-tenant", "operator", "model-theft"}


class ConfidentialComputing(Technique):
    """Memory encrypted while it is used."""

    name = "confidential_computing"
    slot = "isolation"
    stage = "runtime"
    doc = "memory encrypted against the operator and other customers (SEV-SNP, TDX, GPU confidential computing)"
    aliases = ("cc", "tee")
    columns = (IN_USE,)

    @property
    def sources(self) -> tuple[Source, ...]:  # type: ignore[override]
        """Where the losses were measured."""
        from advisor_privacy.encryption_cost import published

        return tuple(published().sources.values())

    def settings(self, context: Context) -> tuple[str, ...]:
        """Tried only where the workload asks for it, or names a threat that it answers."""
        workload = context.workload
        named = {normalise(item.partition("=")[0]) for item in workload.named_techniques}
        asked = not named.isdisjoint(map(normalise, (self.name, *self.aliases)))
        return ("",) if asked or workload.confidential or not ANSWERS.isdisjoint(workload.threat) else ()

    def required(self, context: Context) -> bool:
        """Whether the user wants nothing else."""
        return context.workload.confidential

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        """Slow every step down by the published loss; the value 1 / (1 - loss)."""
        costs = [_cost_of(device, context.workload.trains) for device in context.device_list]
        by_device = np.array([(1.0, 1.0, 1.0) if cost is None else _slowdown(cost) for cost in costs]).reshape(-1, 3)
        value, low, high = by_device[rows["device"]].T
        rows[IN_USE.name] = True
        for name, more in (("slowdown", value), ("slowdown_low", low), ("slowdown_high", high)):
            rows[name] = rows[name] * more
        able = context.devices.column(lambda device: float(device.confidential_computing))[rows["device"]] > 0
        offered = {offer.system for offer in context.offer_list if offer.confidential_computing}
        able |= np.array([system.id in offered for system in context.system_list], dtype=bool)[rows["system"]]
        known = np.array([cost is not None for cost in costs], dtype=bool)[rows["device"]]
        return [
            (~able, "the device cannot encrypt its memory"),
            (able & ~known, "what it costs on the device is not known"),
            (rows["nodes"] > 1, "traffic between nodes would not be encrypted"),
            (~_enough(costs, rows), "so many of the device do not work under it"),
        ]


def _slowdown(cost: Cost) -> tuple[float, float, float]:
    return 1 / (1 - cost.loss), 1 / (1 - cost.least), 1 / (1 - cost.most)


def _cost_of(device: Device, trains: bool) -> Cost | None:
    from advisor_privacy.encryption_cost import published

    return next((cost for cost in published().cost if cost.suits(device, trains)), None)


def _enough(costs: list[Cost | None], rows: Candidates) -> Array:
    """Whether that many devices of the row can work under it together."""
    answer = np.ones(len(rows), dtype=bool)
    for position, cost in enumerate(costs):
        if cost is not None and cost.device_counts:
            of_device = rows["device"] == position
            answer[of_device] = np.isin(rows["device_count"][of_device], cost.device_counts)
    return answer
