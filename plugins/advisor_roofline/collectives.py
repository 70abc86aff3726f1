"""Communication times: latency and bandwidth terms, within a link domain and across domains.

Costs of rings, trees and one-shot exchanges as in Thakur, Rabenseifner and Gropp 2005 ("Optimization
of collective communication operations in MPICH"); the cheapest for the message is taken, as NCCL
does. A group that spans domains works in levels: within each domain, then across them with each
device's share, then within again.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array
from advisor_roofline.machine import Machine


def link_rate(machine: Machine) -> Array:
    """Bandwidth that long messages reach within a domain."""
    return machine.link_bandwidth * machine.link_efficiency


def network_rate(machine: Machine) -> Array:
    """Bandwidth that long messages reach across domains."""
    return machine.network_bandwidth * machine.link_efficiency


def _levels(machine: Machine, group: Array) -> tuple[Array, Array]:
    """Members of the group within one link domain, and the number of domains it spans."""
    group = np.maximum(group, 1)
    inside = np.minimum(group, np.maximum(machine.link_domain, 1))
    return inside, np.ceil(group / inside)


def _sum_flat(message: Array, group: Array, bandwidth: Array, latency: Array) -> Array:
    """All-reduce among equals: the fastest of one-shot, ring and tree."""
    if not (group > 1).any():
        return np.zeros(len(group))
    several = np.maximum(group, 2)
    one_shot = 2 * latency + (several - 1) * message / bandwidth
    ring = 2 * (several - 1) * latency + 2 * (several - 1) / several * message / bandwidth
    tree = 2 * np.log2(several) * latency + 2 * message / bandwidth
    return np.where(group > 1, np.minimum(np.minimum(one_shot, ring), tree), 0.0)


def _gather_flat(message: Array, group: Array, bandwidth: Array, latency: Array) -> Array:
    """All-gather or reduce-scatter among equals of a whole of ``message`` bytes."""
    several = np.maximum(group, 2)
    return np.where(group > 1, np.log2(several) * latency + (several - 1) / several * message / bandwidth, 0.0)


def all_reduce_seconds(message: Array, group: Array, machine: Machine) -> Array:
    """Time to sum ``message`` bytes over ``group`` devices; 0 for one device."""
    inside, domains = _levels(machine, group)
    flat = _sum_flat(message, inside, link_rate(machine), machine.link_latency)
    if (domains > 1).any():
        local = 2 * _gather_flat(message, inside, link_rate(machine), machine.link_latency)
        across = _sum_flat(message / inside, domains, network_rate(machine), machine.network_latency)
        flat = np.where(domains > 1, local + across, flat)
    return flat + machine.collective_seconds * (group > 1)


def gather_seconds(message: Array, group: Array, machine: Machine) -> Array:
    """Time of an all-gather or reduce-scatter whose whole is ``message`` bytes."""
    inside, domains = _levels(machine, group)
    local = _gather_flat(message, inside, link_rate(machine), machine.link_latency)
    across = _gather_flat(message / inside, domains, network_rate(machine), machine.network_latency)
    return local + across


def all_to_all_seconds(message: Array, group: Array, machine: Machine) -> Array:
    """Time for each device to send ``message`` bytes in equal parts to the others."""
    inside, domains = _levels(machine, group)
    group = inside * domains
    local = 2 * machine.link_latency + (inside - 1) / group * message / link_rate(machine)
    across = 2 * machine.network_latency + (group - inside) / group * message / network_rate(machine)
    seconds = np.where(domains > 1, np.maximum(local, across), local) + machine.collective_seconds
    return np.where(group > 1, seconds, 0.0)


def dispatch_seconds(message: Array, visited: int, group: Array, machine: Machine) -> Array:
    """Time for each device to send its tokens, ``message`` bytes, to ``visited`` experts each over ``group`` devices.

    A token crosses to a domain once however many of its experts are there, and is spread within it (DeepSeek-AI 2024,
    DeepSeek-V3, section 3.2.2).
    """
    inside, domains = _levels(machine, group)
    total = inside * domains
    reached = domains * (1.0 - (1.0 - 1.0 / domains) ** visited)  # expected domains with an expert of a token
    local = 2 * machine.link_latency + message * np.minimum(visited, total) * (inside - 1) / total / link_rate(machine)
    across = 2 * machine.network_latency + message * reached * (domains - 1) / domains / network_rate(machine)
    seconds = np.where(domains > 1, np.maximum(local, across), local) + machine.collective_seconds
    return np.where(total > 1, seconds, 0.0)


def send_seconds(message: Array, machine: Machine, distance: Array) -> Array:
    """Time of one message between neighbours of a pipeline; ``distance`` is how many devices it spans."""
    near = distance <= machine.link_domain
    latency = np.where(near, machine.link_latency, machine.network_latency)
    return latency + message / np.where(near, link_rate(machine), machine.network_bandwidth)
