"""Expert parallelism: the experts of a mixture on different devices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor.operators import ExpertMatMul
from advisor_quantization.pins import pinned
from advisor_sharding.layout import degree, divisors, link_domain, most_devices, powers_of_two
from advisor_sharding.sources import GSHARD, VLLM_SCALING

#: Degrees above this are left to those who ask.
MOST_TRIED = 64


def expert_count(model: Model) -> int:
    """Experts that every mixture layer can be divided by: 0 without one."""
    return math.gcd(*(op.experts for op, _ in model.operators() if isinstance(op, ExpertMatMul)))


class ExpertParallel(Technique):
    """Spreads the experts over tensor- and data-parallel devices; tokens go to them by all-to-all.

    Serving engines spread them over the tensor group or over all devices of the replicas (vLLM), and
    training over any divisor of the two degrees' product; unasked, over the link domain, which the
    all-to-all needs. It follows the layouts whose degrees it reads.
    """

    name = "expert_parallel"
    slot = "experts"
    stage = "memory"
    doc = "devices that the experts are spread over"
    aliases = ("ep",)
    sources = (GSHARD, VLLM_SCALING)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Powers of two that divide the experts, up to the devices at hand."""
        count = expert_count(context.model)
        if context.workload.searches_layouts:
            return divisors(count, most_devices(context))
        degrees = powers_of_two(min(count, most_devices(context), MOST_TRIED))
        return [value for value in degrees if count % value == 0]

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        size = degree(setting, self.name)
        count = expert_count(context.model)
        tensor, replicas = rows["tensor_parallel"], rows["data_parallel"]
        together = tensor * replicas
        rows["expert_parallel"] = np.int32(size)
        everyone = np.ones(len(rows), dtype=bool)
        refusals: Refusals = [
            (everyone & (count == 0), "the model has no experts"),
            (everyone & (count > 0 and count % size != 0), f"expert_parallel={size} does not divide {count} experts"),
            (together % size != 0, f"expert_parallel={size} does not divide tensor x data parallel"),
        ]
        if size > 1 and not context.workload.trains:
            groups = np.asarray((tensor == size) | (together == size))
            refusals.append((~groups, "serving engines spread experts over the tensor group or over all replicas"))
        elif size > 1 and not (pinned(self, context) or context.workload.searches_layouts):
            domain = link_domain(rows, context)
            wider = (together % (2 * size) == 0) & (2 * size <= domain) & (count % (2 * size) == 0)
            refusals.append((wider | (size > domain), "experts spread over as many devices as the fast link joins"))
        return refusals
