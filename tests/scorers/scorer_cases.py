"""Small hand-made questions for the scorers: one device or two, a few offers, a few rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.candidates import Candidates, Schema
from advisor.context import Context
from advisor.devices import Device, System
from advisor.interfaces import Scorer, Scores
from advisor.models import Layer, Model
from advisor.offers import Offer
from advisor.operators import MatMul
from advisor.workload import Workload

LAYERS = (Layer(name="dense", kind="dense", operators=(MatMul(name="weight", inputs=8, outputs=8),)),)


@dataclass(frozen=True)
class FakeGrid:
    """As much of a grid as the scorers read."""

    intensity_g_per_kwh: float
    price_usd_per_kwh: float | None = None


def language_model() -> Model:
    return Model(name="m", family="f", layers=LAYERS, unit="token", generates=True)


def classifier() -> Model:
    return Model(name="c", family="f", layers=LAYERS, unit="sample")


def accelerator(**more: Any) -> Device:
    fields = {"id": "acc", "name": "Accelerator", "vendor": "v", "kind": "gpu", "memory_gib": 80,
              "memory_bandwidth_gb_per_s": 3000, "peak_tflops": {"bf16": 1000}, "board_power_w": 700}  # fmt: skip
    return Device(**{**fields, **more})


def node(**more: Any) -> System:
    return System(**{"id": "node", "device": "acc", "device_count": 1, "max_nodes": 8, **more})


def offer(**more: Any) -> Offer:
    fields = {"id": f"offer-{sorted(more.items())}", "provider": "p", "system": "node", "region": "r",
              "price_usd_per_hour": 2.0}  # fmt: skip
    return Offer(**{**fields, **more})


def question(workload: Workload, offers: list[Offer], model: Model | None = None, device: Device | None = None,
             system: System | None = None) -> Context:  # fmt: skip
    return Context(model or language_model(), workload, [device or accelerator()], [system or node()], offers)


def table(length: int = 1, **columns: Any) -> Candidates:
    """Rows with estimates: a tuple is (value, low, high); a single value is known exactly."""
    rows = Candidates(length, Schema())
    defaults = {"offer": 0, "system": 0, "device": 0, "units": 1.0, "output_tokens": 100.0, "load": 1.0,
                "samples_per_s": 1.0, "power": 500.0, "run_time": 3600.0}  # fmt: skip
    for name, value in {**defaults, **columns}.items():
        if rows.schema[name].interval:
            ends = value if isinstance(value, tuple) else (value, value, value)
            rows.set_interval(name, *ends)
        else:
            rows[name] = np.asarray(value)
    return rows


def scored(scorer: Scorer, rows: Candidates, context: Context) -> Scores:
    """Score and check what holds for every answer: shapes, order of ends, parts that add up."""
    quick, scores = scorer.score(rows, context), scorer.detail(rows, context)
    for name, found in quick.values.items():
        whole = found[0] if isinstance(found, tuple) else found
        np.testing.assert_allclose(whole, scores.values[name][0], rtol=1e-9, err_msg=name)
    assert {objective.name for objective in scorer.objectives(context)} == set(scores.values)
    for name, (value, low, high) in scores.values.items():
        for array in (value, low, high):
            assert np.asarray(array).shape == (len(rows),), name
        known = rows["offer"] >= 0
        assert np.isfinite([value[known], low[known], high[known]]).all(), name
        tiny = 1e-9 * np.abs(value[known])
        assert (low[known] <= value[known] + tiny).all(), name
        assert (value[known] <= high[known] + tiny).all(), name
        if name in scores.parts:
            np.testing.assert_allclose(sum(scores.parts[name].values())[known], value[known], rtol=1e-9, atol=1e-12)
    return scores


def value(scores: Scores, name: str) -> float:
    return float(scores.values[name][0][0])


def ends(scores: Scores, name: str) -> tuple[float, float]:
    return float(scores.values[name][1][0]), float(scores.values[name][2][0])
