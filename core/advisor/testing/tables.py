"""Tables of candidates to try plugins on: hardware rows with batches, and rows with made-up estimates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from advisor.batches import batch_rows
from advisor.candidates import Array, Candidates
from advisor.columns import Column
from advisor.context import Context
from advisor.estimating import needed_estimates, scale_out
from advisor.expand import make_schema, start_rows
from advisor.interfaces import Technique
from advisor.traffic import fewest_units


def plain_rows(context: Context, techniques: list[Technique], columns: Iterable[Column] = ()) -> Candidates:
    """Rows as the engine gives them to techniques: every system alone and as two nodes, the model as stored."""
    schema = make_schema(techniques, list(columns))
    systems = np.tile(np.arange(len(context.system_list)), 2)
    nodes = np.repeat([1, 2], len(context.system_list))
    return start_rows(context, schema, systems, nodes)


def backend_rows(context: Context, columns: Iterable[Column] = ()) -> Candidates:
    """Rows as the engine gives them to backends: batches, and half of them with the tensors divided."""
    rows = plain_rows(context, [], columns)
    divided = rows.copy()
    most = np.minimum(rows["device_count"], context.model.tensor_parallel_limit).astype(np.int32)
    divided["tensor_parallel"] = most
    divided["data_parallel"] = (rows["device_count"] // most).astype(np.int32)
    return batch_rows(Candidates.concat([rows, divided]), context)


def estimated_rows(context: Context, columns: Iterable[Column] = (), seed: int = 0) -> Candidates:
    """Rows as the engine gives them to scorers: made-up estimates in plausible ranges, joined with offers."""
    rows = backend_rows(context, columns)
    random = np.random.default_rng(seed)
    count = len(context.offer_list)
    index = np.repeat(np.arange(len(rows)), 2)
    rows = rows.take(index)
    scales = {"memory": 1e10, "power": 300.0, "samples_per_s": 5.0}
    for name in needed_estimates(context):
        value = scales.get(name, 0.05) * random.uniform(0.5, 2.0, len(rows))
        rows.set_interval(name, value, value * 0.8, value * 1.25)
    rows["memory_weights"] = rows["memory"]
    rows["time_compute"] = rows["step_time"]
    rows["flops_per_sample"] = random.uniform(1e12, 1e13, len(rows))
    if context.workload.request_rate is not None:
        fewest_units(rows, context.workload.request_rate)
    scale_out(rows, context)
    by_system = {system.id: position for position, system in enumerate(context.system_list)}
    offers: list[list[int]] = [[] for _ in context.system_list]
    for place, offer in enumerate(context.offer_list):
        if offer.system in by_system:
            offers[by_system[offer.system]].append(place)
    choice = random.integers(0, max(count, 1), len(rows))
    rows["offer"] = np.array(
        [offers[system][pick % len(offers[system])] if offers[system] else -1
         for system, pick in zip(rows["system"].tolist(), choice.tolist(), strict=True)], dtype=np.int32,
    )  # fmt: skip
    return rows


def halves(rows: Candidates) -> tuple[Array, Array]:
    """Positions of the odd rows and of the even ones, backwards."""
    positions = np.arange(len(rows))[::-1]
    return positions[::2], positions[1::2]
