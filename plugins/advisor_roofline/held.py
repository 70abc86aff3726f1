"""Parameters that the fullest device holds in training, by how they are divided and shared."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.formats import format_named
from advisor.operators import Embedding, Operator
from advisor_roofline.activations import widens_tables
from advisor_roofline.frameworks import framework_figure
from advisor_roofline.shapes import devices_sharing


def sharing_replicas(rows: Candidates) -> Array:
    """Devices that share the state of what is not an expert: replicas, and parts of a sequence, which are alike."""
    return np.maximum(rows["data_parallel"] * rows["context_parallel"], 1).astype(float)


def held_parameters(rows: Candidates, context: Context) -> list[tuple[Array, Array, Array]]:
    """Parameters, stored bytes and sharing devices of each group of operators on the fullest device.

    Blocks are spread over the stages; embedding and output are on the first and last alone.
    """
    model = context.model
    groups: dict[tuple[str, bool, float, bool], tuple[Operator, float]] = {}
    for op, copies in model.operators(None):
        at_end = isinstance(op, Embedding) or op.last_unit_only
        key = (op.split, op.quantizable, format_named(model.format_of(op)).bits, at_end)
        first, count = groups.get(key, (op, 0.0))
        groups[key] = (first, count + copies * op.parameters)
    apart = _untied(rows, context)
    stages, blocks = rows["pipeline_parallel"], max(model.blocks, 1)
    share = np.ceil(blocks / stages) / blocks
    replicas = sharing_replicas(rows)
    answer = []
    tables = _table_bytes(rows, context)
    for (split, quantizable, bits, at_end), (op, count) in groups.items():
        each = max(bits, 16.0) / 8 if quantizable else bits / 8  # what is trained is held in 16 bits at least
        each = np.maximum(each, tables) if at_end else each
        if quantizable:
            each = np.where(rows["requantized"], rows["weight_bits"] / 8, each) * rows["parameter_share"]
        devices = devices_sharing(op, rows)
        ends = np.where(stages > 1, 0.5 if _two_ends(context) else 1.0, 1.0)
        parameters = count / devices * (ends * apart if at_end else share)
        experts = split == "experts"
        group = np.maximum(replicas * rows["tensor_parallel"] / devices, 1.0) if experts else replicas
        answer.append((parameters, parameters * each, group))
    return answer


def _untied(rows: Candidates, context: Context) -> Array:
    """Tables held for each table of the model: 2 where a framework keeps a shared embedding and output apart."""
    if _two_ends(context) or not context.model.generates:
        return np.ones(len(rows))
    return 1.0 + framework_figure(rows, context, "unties_tables")


def _table_bytes(rows: Candidates, context: Context) -> Array:
    """Least bytes a value of embedding and output: PEFT's preparation of narrow weights widens the rest to fp32."""
    return np.where(widens_tables(rows, context), 4.0, 0.0)


def _two_ends(context: Context) -> bool:
    """Whether embedding and output have weights of their own, each on its stage."""
    sizes = [op.parameters for op, _ in context.model.operators() if isinstance(op, Embedding) or op.last_unit_only]
    return sum(size > 0 for size in sizes) > 1
