"""2:4 sparsity: two of every four weights are zero, and the hardware skips them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import FORMATS, format_code
from advisor.interfaces import Refusals, Technique
from advisor_compression.figures import figures, wanted
from advisor_quantization.pins import pinned
from advisor_quantization.quality import keep_quality

METADATA_BITS = 2.0  # position of each kept value among four (Mishra et al. 2021, section 3)
LEAST_WEIGHT_BITS = 8.0


class Sparse24(Technique):
    """Keeps two of four weights, with two bits of position each, after pruning and retraining.

    The speed-up is what kernels are measured to reach, not the doubled peak. It follows the formats,
    for the metadata weighs by the bits of a kept weight and the hardware is sparse by format.
    """

    name = "sparse_2_4"
    slot = "sparsity"
    stage = "adaptation"
    doc = "2:4 sparse weights, retrained after pruning (SparseGPT and distillation)"
    aliases = ("2:4", "semi_structured", "sparse24")

    def __init__(self) -> None:
        self._figures = figures()
        table = self._figures.table
        more = ("mishra2021", "sparse_llama_fp8", "torchao_sparsity")
        self.sources = (*table.sources_of(self.name), *(table.sources[key] for key in more))

    def settings(self, context: Context) -> Sequence[int | str]:
        """Offer it for inference where its quality is published and the user accepts retraining."""
        rated = self._figures.table.rates(self.name, context.model)
        return ("",) if wanted(self, context) and rated and not context.workload.trains else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        kept = self._figures.table.estimate(self.name, context.model)
        everyone = np.ones(len(rows), dtype=bool)
        if kept is None or context.workload.trains:
            return [(everyone, "2:4 sparsity is published for the inference of language models alone")]
        bits = rows["weight_bits"]
        share = np.minimum(1.0, (2 * bits + 2 * METADATA_BITS) / (4 * bits))
        rows["parameter_share"] = rows["parameter_share"] * share
        rows["matrix_speedup"] = rows["matrix_speedup"] * self._figures.sparse_speedup
        keep_quality(rows, kept)
        narrow = bits < LEAST_WEIGHT_BITS
        no_units = ~sparse_formats(context)[rows["device"], rows["compute_format"]]
        return [
            (narrow, "2:4 kernels take 16-bit and 8-bit weights, and no quality is published below"),
            (no_units, "it has no 2:4 sparse units for this format"),
        ]


class UnstructuredSparsity(Technique):
    """Half of the int8 weights are zero and are stored as a bit map and the rest, unpacked as they are read.

    The processor multiplies the zeros all the same: it gains traffic, not arithmetic.
    """

    name = "unstructured_sparsity"
    slot = "sparsity"
    stage = "adaptation"
    doc = "half of the int8 weights zero, one shot, decompressed as they are read (OpenVINO on AMX)"
    aliases = ("wanda", "sparsegpt")
    needs = ("int8", "smoothquant")

    def __init__(self) -> None:
        table = figures().table
        self._table = table
        self.sources = (*table.sources_of(self.name), table.sources["openvino_sparse"])

    def settings(self, context: Context) -> Sequence[int | str]:
        return ("",) if pinned(self, context) else ()

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        kept = self._table.estimate(self.name, context.model)
        if kept is None or context.workload.trains:
            return [(np.ones(len(rows), dtype=bool), "it is published for the inference of language models alone")]
        rows["parameter_share"] = rows["parameter_share"] * (0.5 + 1 / 8)
        keep_quality(rows, kept)
        return []


def sparse_formats(context: Context) -> Array:
    """(devices, formats): whether the device's rate doubles with 2:4 sparsity in the format."""
    answer = np.zeros((len(context.device_list), len(FORMATS)), dtype=bool)
    for position, device in enumerate(context.device_list):
        answer[position, [format_code(name) for name in device.sparse]] = True
    return answer
