"""Communication times: latency and bandwidth terms, within a link domain and across it.

Ring and tree costs as in Thakur, Rabenseifner and Gropp 2005 ("Optimization of collective
communication operations in MPICH"): the faster of a one-shot exchange (small messages) and a ring.
"""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array
from advisor_roofline.machine import Machine


def _path(machine: Machine, group: Array) -> tuple[Array, Array]:
    """Bandwidth and latency between the members of a group: the link's, or the network's beyond its domain."""
    inside = group <= machine.link_domain
    bandwidth = np.where(inside, machine.link_bandwidth, machine.network_bandwidth)
    latency = np.where(inside, machine.link_latency, machine.network_latency)
    return bandwidth, latency


def all_reduce_seconds(message_bytes: Array, group: Array, machine: Machine) -> Array:
    """Time to sum ``message_bytes`` over ``group`` devices; 0 for one device."""
    bandwidth, latency = _path(machine, group)
    group = np.maximum(group, 1)
    ring = 2 * (group - 1) * latency * 0.5 + 2 * (group - 1) / group * message_bytes / bandwidth
    one_shot = 2 * latency + (group - 1) * message_bytes / bandwidth
    return np.where(group > 1, np.minimum(ring, one_shot), 0.0)


def gather_seconds(message_bytes: Array, group: Array, machine: Machine) -> Array:
    """Time of an all-gather or reduce-scatter whose whole is ``message_bytes``."""
    bandwidth, latency = _path(machine, group)
    group = np.maximum(group, 1)
    return np.where(
        group > 1, latency * np.log2(np.maximum(group, 2)) + (group - 1) / group * message_bytes / bandwidth, 0
    )


def all_to_all_seconds(message_bytes: Array, group: Array, machine: Machine) -> Array:
    """Time for each device to send ``message_bytes`` in equal parts to the others."""
    bandwidth, latency = _path(machine, group)
    group = np.maximum(group, 1)
    return np.where(group > 1, 2 * latency + (group - 1) / group * message_bytes / bandwidth, 0.0)


def send_seconds(message_bytes: Array, machine: Machine, distance: Array) -> Array:
    """Time of one message between neighbours of a pipeline; ``distance`` is how many devices it spans."""
    bandwidth, latency = _path(machine, distance)
    return latency + message_bytes / bandwidth
