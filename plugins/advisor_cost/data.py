"""Data that a workload keeps and sends: what storage and egress are paid for."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.context import Context
from advisor_energy.figures import Figure

#: Bytes a trained parameter in a checkpoint of Adam: weights in 16 bits, two states and a copy in 32.
CHECKPOINT_BYTES = 14.0
WEIGHT_BYTES = 2.0


def stored_gb(context: Context, figures: Mapping[str, Figure]) -> float:
    """Return GB that lie in storage: the weights, and in training the checkpoints that are kept and the data."""
    model, workload = context.model, context.workload
    if not workload.trains:
        return model.parameters * WEIGHT_BYTES / 1e9
    kept = figures["checkpoints_kept"].value
    whole = CHECKPOINT_BYTES if workload.method == "full" else WEIGHT_BYTES
    samples = workload.samples_total(1.0 if workload.rows is not None else context.tokens_per_sample)
    data = 0.0
    if samples is not None and model.unit == "token":
        tokens = samples / workload.epochs * context.tokens_per_sample
        data = tokens * figures["bytes_a_stored_token"].value
    return (model.parameters * whole * kept + data) / 1e9


def sent_gb_per_request(context: Context, figures: Mapping[str, Figure]) -> float:
    """Return GB that leave the provider with each answer: streamed tokens. A classifier sends next to nothing."""
    workload = context.workload
    if workload.task != "serve" or not context.model.generates:
        return 0.0
    return workload.output_tokens * figures["bytes_a_sent_token"].value / 1e9
