"""Pipeline parallelism: consecutive layers on different devices, and interleaved stages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_quantization.pins import pinned
from advisor_sharding.layout import degree, fit_replicas, link_domain, most_devices, powers_of_two, small_state
from advisor_sharding.sources import MEGATRON_CLUSTERS, VLLM_SCALING

#: Rows of a unit beyond this many stages are left to those who ask.
MOST_STAGES_TRIED = 16


class PipelineParallel(Technique):
    """Cuts the blocks into stages, one a device or group of devices (Narayanan et al. 2021).

    Unasked, it is tried where tensor parallelism cannot go on: between nodes, or where the model's heads
    or the link end (the rule of Narayanan et al., section 3.2, for training, and of vLLM for serving).
    """

    name = "pipeline_parallel"
    slot = "pipeline"
    stage = "layout"
    doc = "stages that the layers are cut into"
    aliases = ("pp",)
    sources = (MEGATRON_CLUSTERS, VLLM_SCALING)

    def settings(self, context: Context) -> Sequence[int | str]:
        """Powers of two up to the blocks of the model, the devices at hand, and 16."""
        if context.workload.trains and small_state(context):
            return ()
        if context.workload.searches_layouts:
            return [stages for stages in range(2, min(context.model.blocks, most_devices(context)) + 1)
                    if not context.workload.trains or even_stages(stages, context)]  # fmt: skip
        return powers_of_two(min(context.model.blocks, most_devices(context), MOST_STAGES_TRIED))

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        stages = degree(setting, self.name)
        blocks = context.model.blocks
        rows["pipeline_parallel"] = np.int32(stages)
        refusals: Refusals = [
            (np.full(len(rows), stages > blocks), f"pipeline_parallel={stages} exceeds the model's {blocks} blocks"),
            (np.full(len(rows), context.workload.trains and not even_stages(stages, context)),
             f"pipeline_parallel={stages} does not divide {UNEVEN.format(blocks)}"),
            *fit_replicas(rows),
        ]  # fmt: skip
        if stages > 1 and not (pinned(self, context) or context.workload.searches_layouts):
            refusals.append((_tensor_goes_on(rows, context), "tensor parallelism within the link domain comes first"))
        return refusals


#: What stages, or stages x chunks, must divide in training.
UNEVEN = "the model's {} blocks, nor those with embedding, output, or both counted as blocks"


def even_stages(parts: int, context: Context) -> bool:
    """Whether training can cut the model into equal parts.

    Embedding and output may stand for a block each: Llama 3 trains 126 blocks in 16 stages (section 3.3.2).
    """
    return any((context.model.blocks + ends) % parts == 0 for ends in (0, 1, 2))


def _tensor_goes_on(rows: Candidates, context: Context) -> Array:
    """Whether twice the tensor parallelism would still be legal in each row's node."""
    twice = 2 * rows["tensor_parallel"]
    node = context.systems.device_count[rows["system"]]
    room = np.minimum(link_domain(rows, context), node)
    return np.asarray((context.model.tensor_parallel_limit % twice == 0) & (twice <= room))


class VirtualStages(Technique):
    """Gives each pipeline stage several chunks of layers, which shrinks the bubble (Narayanan et al. 2021)."""

    name = "virtual_stages"
    slot = "interleaving"
    stage = "layout"
    doc = "interleaved chunks of layers a pipeline stage; tried where named, and in a search of all layouts"
    aliases = ("vp", "interleaved")
    sources = (MEGATRON_CLUSTERS,)

    def settings(self, context: Context) -> Sequence[int | str]:
        """In a search what divides the blocks of a stage; else none of its own: with a setting named, that one."""
        if not (context.workload.searches_layouts and context.workload.trains):
            return ()
        return [chunks for chunks in range(2, (context.model.blocks + 2) // 2 + 1) if _some_stages(chunks, context)]

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        chunks = degree(setting, self.name)
        blocks = context.model.blocks
        rows["virtual_stages"] = np.int32(chunks)
        stages = rows["pipeline_parallel"]
        everyone = np.ones(len(rows), dtype=bool)
        return [
            (everyone & (not context.workload.trains), "interleaved stages are for training"),
            ((chunks > 1) & (stages < 2), "interleaved stages need pipeline_parallel"),
            (stages * chunks > blocks + 2, f"stages x chunks exceed the model's {blocks} blocks"),
            ((stages * chunks <= blocks + 2) & ~_even(stages * chunks, context),
             f"stages x chunks do not divide {UNEVEN.format(blocks)}"),
        ]  # fmt: skip


def _even(parts: Array, context: Context) -> Array:
    blocks = context.model.blocks
    return np.asarray((blocks % parts == 0) | ((blocks + 1) % parts == 0) | ((blocks + 2) % parts == 0))


def _some_stages(chunks: int, context: Context) -> bool:
    most = min((context.model.blocks + 2) // chunks, most_devices(context))
    return any(even_stages(stages * chunks, context) for stages in range(2, most + 1))
