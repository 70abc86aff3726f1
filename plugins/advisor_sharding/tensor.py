"""Tensor parallelism: each matrix product is shared by devices that a fast link joins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_sharding.layout import degree, divisors, fit_replicas, link_domain, powers_of_two, widest_domain
from advisor_sharding.sources import MEGATRON, MEGATRON_CLUSTERS, VLLM_SCALING


class TensorParallel(Technique):
    """Cuts heads, channels and vocabulary into equal parts, one a device (Shoeybi et al. 2019).

    The all-reduce of every layer needs the fast link: the degree stays within its domain.
    """

    name = "tensor_parallel"
    slot = "tensor"
    stage = "layout"
    doc = "devices that share each matrix product, within one link domain"
    aliases = ("tp",)
    sources = (MEGATRON, MEGATRON_CLUSTERS, VLLM_SCALING)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Powers of two, or in a search any degree, that divide the model's heads and that some system's link joins."""
        limit = context.model.tensor_parallel_limit
        if context.workload.searches_layouts:
            return divisors(limit, widest_domain(context))
        degrees = powers_of_two(min(widest_domain(context), limit))
        return [value for value in degrees if limit % value == 0]

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        size = degree(setting, self.name)
        limit = context.model.tensor_parallel_limit
        domain = link_domain(rows, context)
        rows["tensor_parallel"] = np.int32(size)
        return [
            (np.full(len(rows), limit % size != 0), f"tensor_parallel={size} does not divide {limit} heads"),
            (size > domain, f"tensor_parallel={size} reaches beyond the devices that the fast link joins"),
            *fit_replicas(rows),
        ]
