"""A small plugin of every kind, so that the command line is tested without any catalog."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import click
import numpy as np

from advisor import (
    Backend,
    Device,
    Exporter,
    Layer,
    Model,
    ModelEntry,
    ModelReader,
    Objective,
    Offer,
    Profile,
    Ranker,
    Scorer,
    Scores,
    Source,
    System,
    Technique,
    hookimpl,
)
from advisor.columns import MEMORY_PARTS, TIME_PARTS
from advisor.operators import Attention, Embedding, MatMul

SOURCE = Source(title="Toy data sheet", url="https://example.org/toy", date=date(2024, 1, 2))


def device(name: str, memory_gib: float, price: float) -> Device:
    return Device(
        id=f"toy-{name}", name=f"Toy {name.title()}", vendor="toyco", kind="gpu", backend="toy", aliases=(name,),
        memory_gib=memory_gib, memory_bandwidth_gb_per_s=1000 * price, peak_tflops={"bf16": 100 * price, "fp32": 10},
        board_power_w=300, clock_ghz=1.0, sources={"sheet": SOURCE}, estimated={"clock_ghz": "guessed from the cooler"},
    )  # fmt: skip


DEVICES = [device("small", 8, 1.0), device("large", 80, 4.0), device("tiny", 0.001, 0.1)]
SYSTEMS = [System(id=f"{n}x{d.id}", device=d.id, device_count=n, max_nodes=2) for d in DEVICES for n in (1, 2)]


def offer(system: System, region: str, term: str = "on-demand") -> Offer:
    price = {"toy-small": 1.0, "toy-large": 4.0, "toy-tiny": 0.1}[system.device] * system.device_count
    return Offer(
        id=f"acme/{system.id}/{region}/{term}", provider="acme", system=system.id, region=region,
        country={"eu-1": "DE", "us-1": "US"}[region], areas=({"eu-1": "eu", "us-1": "us"}[region], region),
        grid=region, term=term, price_usd_per_hour=price * (0.5 if term == "spot" else 1), sources={"list": SOURCE},
    )  # fmt: skip


class ToyReader(ModelReader):
    name = "toy"
    doc = "reads toy models"

    def claims(self, source):
        return source.document is not None and "toy" in source.document

    def read(self, source):
        from advisor import ModelFileError

        document = source.document
        width = document["toy"]
        if not isinstance(width, int) or width < 1:
            raise ModelFileError(f"{source.name}: toy: expected a whole number, not {width!r}")
        unit = document.get("unit", "token")
        name = document.get("name", source.name)
        dense = MatMul(name="dense", inputs=width, outputs=width, bias=True, saved_elements=width)
        if unit == "sample":
            return Model(name=name, family="toy", unit="sample", weight_format="fp32", layers=(
                Layer(name="dense", kind="Dense", operators=(dense,), count=2),))  # fmt: skip
        heads = Attention(name="attention", heads=4, kv_heads=2, key_width=8, value_width=8)
        return Model(
            name=name, family="toy", unit="token", generates=True, hidden_size=width, blocks=2, max_context=4096,
            tensor_parallel_limit=4, vocabulary=100, layers=(
                Layer(name="embedding", kind="embedding", operators=(Embedding(name="table", rows=100, width=width),)),
                Layer(name=document.get("layer", "blocks"), kind="decoder", operators=(dense, heads), count=2),
                Layer(name="output", kind="output", operators=(
                    MatMul(name="head", inputs=width, outputs=100, last_unit_only=True),)),
            ))  # fmt: skip


class ToyBackend(Backend):
    name = "toy"
    doc = "bytes over bandwidth"

    def memory(self, rows, context):
        for column in MEMORY_PARTS:
            rows[column.name] = 0.0
        weights = context.model.weight_bytes * rows["weight_bits"] / 16
        rows["memory_weights"] = weights
        rows.set_interval("memory", weights + 1e6, weights + 1e6, weights + 1.2e6)

    def estimate(self, rows, context):
        step = context.model.weight_bytes / context.devices.memory_bandwidth[rows["device"]] * 1e6
        step = step * rows["weight_bits"] / 16
        for column in TIME_PARTS:
            rows[column.name] = 0.0
        rows["time_memory"] = 0.75 * step
        rows["time_compute"] = 0.25 * step
        rows.set_interval("step_time", step, 0.9 * step, 1.1 * step)
        rate = rows["batch"] / step
        rows.set_interval("samples_per_s", rate, 0.9 * rate, 1.1 * rate)
        rows.set_interval("power", 200.0, 100.0, 300.0)
        if not context.workload.trains:
            rows.set_interval("request_latency", 10 * step, 8 * step, 20 * step)
            rows.set_interval("time_to_first_token", step, 0.5 * step, 2 * step)
            rows.set_interval("time_per_output_token", step, 0.9 * step, 1.1 * step)


class Half(Technique):
    name = "half"
    slot = "weights"
    stage = "formats"
    doc = "weights in half the bits"
    aliases = ("int8",)

    def apply(self, rows, setting, context):
        rows["weight_bits"] = rows["weight_bits"] / 2
        rows.set_interval("quality", 0.99, 0.98, 1.0)
        return []


class Price(Scorer):
    name = "price"
    doc = "what the offer costs"

    def objectives(self, context):
        return [Objective("cost_per_hour", "USD/h", "minimize", "price an hour", "cost", "budget")]

    def score(self, rows, context):
        prices = np.array([offer.price_usd_per_hour for offer in context.offer_list] + [np.nan])
        cost = prices[rows["offer"]] * rows["units"] * rows["nodes"]
        return Scores({"cost_per_hour": (cost, cost, cost)}, {"cost_per_hour": {"rent": cost}})


class Worst(Ranker):
    name = "worst"
    doc = "by the worst loss"

    def scores(self, losses, weights):
        return (losses * weights).max(axis=1)


class Shell(Exporter):
    name = "shell"
    doc = "a line of shell"

    def export(self, candidate, context):
        return f"run --model {candidate.model_name} --on {candidate.system.id}"


class Toy:
    """The plugin; ``faults`` are hooks that fail."""

    advisor_name = "toy"

    @hookimpl
    def devices(self):
        return DEVICES

    @hookimpl
    def systems(self):
        return SYSTEMS

    @hookimpl
    def offers(self):
        terms = [(system, region) for system in SYSTEMS for region in ("eu-1", "us-1")]
        return [*(offer(*each) for each in terms), offer(SYSTEMS[0], "us-1", "spot")]

    @hookimpl
    def models(self):
        return [ModelEntry("toys/Toy-4M", {"toy": 1000}, ("toy4",), "MIT"),
                ModelEntry("toys/Classifier", {"toy": 500, "unit": "sample"}, ("classifier",), "MIT")]  # fmt: skip

    @hookimpl
    def model_readers(self):
        return [ToyReader()]

    @hookimpl
    def backends(self):
        return [ToyBackend()]

    @hookimpl
    def techniques(self):
        return [Half()]

    @hookimpl
    def scorers(self):
        return [Price()]

    @hookimpl
    def rankers(self):
        return [Worst()]

    @hookimpl
    def profiles(self):
        return [Profile("thrifty", {"cost": 0.9, "latency": 0.1}, "mostly cost", ("serve", "batch", "train"))]

    @hookimpl
    def exporters(self):
        return [Shell()]

    @hookimpl
    def commands(self, group):
        @group.command("greet", help="Greet.")
        def greet():
            click.echo("hello from a plugin")


BROKEN = SimpleNamespace(advisor_name="broken", devices=hookimpl(lambda: 1 / 0))
