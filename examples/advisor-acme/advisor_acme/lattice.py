"""The technique: weights in 3.25 bits, which only Roadrunner's (fictional) decoder can read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from advisor import Candidates, Column, Context, Source, Technique
from advisor.formats import format_code
from advisor.interfaces import Refusals

#: A column of one's own: declared by whoever sets or reads it, there from the start with its default.
UNPACKING = Column("acme_unpacking", "", "f8", "time of weight traffic over that of plain weights", default=1.0)
KEPT, LOW, HIGH = 0.94, 0.90, 0.97  # share of the unchanged model's quality; fictional


class LatticeWeights(Technique):
    """Stores quantizable weights on a lattice and multiplies in 16 bits.

    It is of the slot ``weights``, so that no candidate uses it together with int8 or fp8.
    """

    name = "acme_lattice"
    slot = "weights"
    stage = "formats"
    doc = "weights in 3.25 bits on a lattice (fictional), for inference on Roadrunner cards"
    aliases = ("lattice",)
    columns = (UNPACKING,)
    sources = (Source(title="Fictional result, invented for the advisor-acme example", date=date(2026, 1, 1)),)

    def settings(self, context: Context) -> Sequence[int | str]:
        """One way to use it, for inference; none in training."""
        return () if context.workload.trains else ("",)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        """Rewrite the columns of all rows, and say which rows cannot have it."""
        rows["requantized"] = True
        rows["weight_bits"] = 3.25
        rows["weight_format"] = np.int8(format_code("int4"))  # the nearest format that the advisor has a word for
        rows["compute_format"] = np.int8(format_code("bf16"))
        rows["acme_unpacking"] = 1.1
        rows.set_interval("quality", rows["quality"] * KEPT, rows["quality.low"] * LOW, rows["quality.high"] * HIGH)
        decodes = context.devices.extra("lattice_decoder", default=0.0)[rows["device"]] > 0
        return [(~decodes, "only Roadrunner cards decode it")]
