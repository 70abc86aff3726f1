"""The links of each row's system, with fallbacks where a catalog gives none."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context

#: Where no link is known: PCIe 4.0 x16 through the host within a node (PCI-SIG: 31.5 GB/s a direction),
#: 25 Gbit/s Ethernet between nodes. Latencies are estimated from NCCL small-message times.
PCIE_BANDWIDTH, PCIE_LATENCY = 25e9, 10e-6
ETHERNET_BANDWIDTH, ETHERNET_LATENCY = 3.125e9, 30e-6


def host_bandwidth(rows: Candidates, context: Context) -> Array:
    """B/s of one device from and to its host in one direction: its own link, or that of PCIe."""
    own = context.devices.extra("host_link_gb_per_s") * 1e9
    return np.where(np.isnan(own), PCIE_BANDWIDTH, own)[rows["device"]]


def link_columns(rows: Candidates, context: Context) -> dict[str, tuple[Array, Array]]:
    """Bandwidths in B/s of one device in one direction, latencies in s, and the size of the link domain, by system.

    With them goes each row's place among the systems. A domain is what the fast link reaches: one system, or several
    where the link spans them.
    """
    systems, index = context.systems, rows["system"]
    inside = np.maximum(
        systems.device_count, np.where(systems.link_domain > systems.device_count, systems.link_domain, 0)
    )
    columns = {
        "link_bandwidth": np.nan_to_num(systems.link_bandwidth, nan=PCIE_BANDWIDTH),
        "link_latency": np.nan_to_num(systems.link_latency, nan=PCIE_LATENCY),
        "network_bandwidth": np.nan_to_num(systems.network_bandwidth, nan=ETHERNET_BANDWIDTH),
        "network_latency": np.nan_to_num(systems.network_latency, nan=ETHERNET_LATENCY),
        "link_domain": inside.astype(float),
    }
    return {name: (column, index) for name, column in columns.items()}
