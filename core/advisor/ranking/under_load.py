"""What requests meet at a candidate under a request rate: percentiles, and the largest rate that a unit bears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from advisor.traffic import LATENCIES, at_load, bearable_load, knows_load

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Figure

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class UnderLoad:
    """One unit of a candidate at the traffic that it gets.

    ``percentiles`` is percentile to latency to figure. ``largest_rate`` is the requests a second up to which a
    unit keeps within the service levels, at most 80 % of its capacity; 0 where no rate does.
    """

    units: int
    rate: float
    load: float
    largest_rate: float
    percentiles: dict[int, dict[str, Figure]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON, as ``docs/json.md`` describes."""
        return {
            "units": self.units, "rate_per_unit": self.rate, "load": self.load,
            "largest_rate_per_unit": self.largest_rate,
            "percentiles": {str(share): {name: figure.to_dict() for name, figure in figures.items()}
                            for share, figures in self.percentiles.items()},
        }  # fmt: skip


def under_load(candidate: Candidate) -> UnderLoad | None:
    """Look at one candidate under its load; None without a request rate, or where its backend cannot say."""
    from advisor.ranking.result import Figure

    context, registry = candidate.ranking.context, candidate.ranking.registry
    backend = registry.backends.get(candidate.device.backend_name)
    rate = context.workload.request_rate
    if rate is None or backend is None or not candidate.estimated or not knows_load(backend):
        return None
    row, owner = candidate.table.take(np.array([candidate.row])), registry.owner(backend)
    percentiles: dict[int, dict[str, Figure]] = {}
    for share in PERCENTILES:
        table = row.copy()
        if not at_load(backend, table, context, owner, share / 100):
            return None
        percentiles[share] = {
            name: Figure(float(table[name][0]), float(table[f"{name}.low"][0]), float(table[f"{name}.high"][0]), "s")
            for name in LATENCIES if name in table
        }  # fmt: skip
    bearable = bearable_load(backend, row, context, owner)
    units = float(row["units"][0])
    return UnderLoad(
        units=int(units), rate=rate / units, load=float(row["load"][0]),
        largest_rate=0.0 if bearable is None else float(bearable[0] * row["samples_per_s"][0] / units),
        percentiles=percentiles,
    )  # fmt: skip
