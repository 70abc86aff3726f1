"""Batches: the rows crossed with requests in flight, or with the micro-batches of a training step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.pieces import pieces

#: Requests in flight that are tried where the user gives no concurrency.
SERVED_AT_ONCE = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SAMPLES_AT_ONCE = (1, 8, 64, 512, 4096)
MICRO_BATCHES = (1, 2, 4, 8, 16, 32, 64)


def batch_blocks(rows: Candidates, context: Context) -> Iterator[Candidates]:
    """The rows crossed with batches, in pieces of ``BLOCK`` rows at most."""
    rungs = max(len(SERVED_AT_ONCE), MICRO_BATCHES[-1] if context.workload.searches_layouts else len(MICRO_BATCHES))
    for piece in pieces(rows, np.full(len(rows), rungs)):
        yield batch_rows(piece, context)


def batch_rows(rows: Candidates, context: Context) -> Candidates:
    """Cross the rows with the batches that suit the task."""
    if context.workload.trains:
        return _training_batches(rows, context)
    workload, model = context.workload, context.model
    if workload.concurrency is not None or (workload.batch_size is not None and not model.generates):
        wanted = float(workload.concurrency or workload.batch_size or 1)
        rows = rows.copy()
        rows["batch"] = np.maximum(1.0, np.ceil(wanted / rows["data_parallel"]))
        rows["steady"] = workload.task == "serve"
        return rows
    ladder = np.array(SERVED_AT_ONCE if model.unit == "token" else SAMPLES_AT_ONCE, dtype=float)
    if workload.batch_size is not None:
        ladder = np.array([float(workload.batch_size)])
    index = np.repeat(np.arange(len(rows)), len(ladder))
    answer = rows.take(index)
    answer["batch"] = np.tile(ladder, len(rows))
    answer["steady"] = workload.task == "serve"
    return answer


def default_global_batch(context: Context) -> int:
    """Samples a training step where the user gives none.

    Four million tokens for pretraining (Brown et al. 2020 use 3.2 million at 175B), 64 sequences for
    fine-tuning, 32 samples (the Keras default) for networks without a sequence axis.
    """
    if context.model.unit != "token":
        return 32
    if context.workload.task == "finetune":
        return 64
    return max(1, round(2**22 / context.workload.sequence_length(context.model.max_context)))


def _training_batches(rows: Candidates, context: Context) -> Candidates:
    wanted = context.workload.batch_size or default_global_batch(context)
    most = np.floor(wanted / rows["data_parallel"])
    context.note(f"more replicas than the {wanted} samples of a step", int((most < 1).sum()))
    rows = rows.take(most >= 1)
    most = np.floor(wanted / rows["data_parallel"])
    if context.workload.micro_batch is not None:
        ladder = np.array([float(context.workload.micro_batch)])
    elif context.model.unit != "token":
        ladder = np.array([np.inf])  # a small network runs a replica's whole share at once
    else:
        ladder = np.array(MICRO_BATCHES, dtype=float)
        if context.workload.searches_layouts:
            ladder = np.array([size for size in range(1, MICRO_BATCHES[-1] + 1) if wanted % size == 0], dtype=float)
    index = np.repeat(np.arange(len(rows)), len(ladder))
    micro = np.tile(ladder, len(rows))
    share = most[index]
    micro = np.where(np.isinf(micro), share, micro)
    together = micro * rows["data_parallel"][index]
    batch = np.full(len(index), float(wanted))
    if context.workload.batch_size is None:  # the default is rounded to whole micro-batches of every replica
        batch = np.maximum(np.round(wanted / together), 1) * together
    keep = micro <= share
    if context.model.unit == "token":
        whole = batch % together == 0
        context.note(f"data parallel x micro-batch does not divide the {wanted} samples of a step",
                     int((keep & ~whole).sum()))  # fmt: skip
        keep &= whole
    # An interleaved schedule runs micro-batches in groups of one a stage (Narayanan et al. 2021, section 2.2).
    stages, chunks = rows["pipeline_parallel"][index], rows["virtual_stages"][index]
    grouped = (chunks == 1) | (batch // np.maximum(together, 1) % stages == 0)
    context.note("interleaved stages need a multiple of the stages in micro-batches", int((keep & ~grouped).sum()))
    keep &= grouped
    answer = rows.take(index[keep])
    answer["micro_batch"] = micro[keep]
    answer["global_batch"] = batch[keep]
    answer["batch"] = micro[keep]
    return answer
