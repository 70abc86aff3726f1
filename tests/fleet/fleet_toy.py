"""Hardware on which fleets can be worked out by hand.

A small device carries 10 requests a second for $1/h, a large one 100 for $4/h; both in one region each
of the eu and the us, where all costs half. A request of more than 1,500 prompt tokens does not fit the small one.
Latency is 20 ms on the small and 5 ms on the large; a model takes 30 % of the small device's memory.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from advisor import (
    Backend,
    Device,
    Layer,
    Model,
    ModelEntry,
    ModelReader,
    Objective,
    Offer,
    Scorer,
    Scores,
    Source,
    System,
    hookimpl,
)
from advisor.columns import MEMORY_PARTS, TIME_PARTS
from advisor.operators import MatMul

SOURCES = {"sheet": Source(title="Toy data sheet", date=date(2024, 1, 2))}
PRICES = {"small": 1.0, "large": 4.0}
RATES = {"small": 10.0, "large": 100.0}
GRAMS = {"small": (10.0, 30.0), "large": (20.0, 40.0)}  # an hour idle, an hour busy


class Reader(ModelReader):
    name = "counted"

    def claims(self, source):
        return source.document is not None and "counted" in source.document

    def read(self, source):
        layer = Layer(name="dense", kind="Dense", operators=(MatMul(name="dense", inputs=8, outputs=8),))
        return Model(name=source.name, family="toy", unit="token", generates=True, hidden_size=8, blocks=1,
                     max_context=4096, vocabulary=10, layers=(layer,))  # fmt: skip


class Counted(Backend):
    name = "counted"

    def memory(self, rows, context):
        for column in MEMORY_PARTS:
            rows[column.name] = 0.0
        long = rows["input_tokens"] > 1500
        used = 0.3 * context.devices.memory_bytes.min() * np.where(long, 4.0, 1.0)
        rows["memory_weights"] = used
        rows.set_interval("memory", used, used, used)

    def estimate(self, rows, context):
        names = [device.id for device in context.device_list]
        rate = np.array([RATES[name] for name in names])[rows["device"]]
        latency = np.array([{"small": 0.02, "large": 0.005}[name] for name in names])[rows["device"]]
        for column in TIME_PARTS:
            rows[column.name] = 0.0
        rows["time_memory"] = latency
        for name in ("step_time", "time_to_first_token", "time_per_output_token", "request_latency"):
            rows.set_interval(name, latency, latency, latency)
        rows.set_interval("samples_per_s", rate, rate, rate)
        rows.set_interval("power", 100.0, 100.0, 100.0)


class Bill(Scorer):
    name = "bill"

    def objectives(self, context):
        found = [Objective("cost_per_hour", "USD/h", "minimize", "price an hour", "cost"),
                 Objective("carbon_g", "g", "minimize", "of 730 hours, or of the run", "carbon")]  # fmt: skip
        if context.workload.task != "serve":
            found.append(Objective("cost_per_run", "USD", "minimize", "the job", "", "budget"))
        return found

    def score(self, rows, context):
        offers = rows["offer"]
        price = np.array([*(offer.price_usd_per_hour for offer in context.offer_list), np.nan])[offers]
        idle, busy = (np.array([GRAMS[device.id][end] for device in context.device_list])[rows["device"]]
                      for end in (0, 1))  # fmt: skip
        systems = rows["units"] * rows["nodes"]
        grams = (idle + (busy - idle) * rows["load"]) * systems
        cost = price * systems
        hours = rows["run_time"] / 3600 if context.workload.task != "serve" else 730.0
        values = {"cost_per_hour": cost, "carbon_g": grams * hours, "cost_per_run": cost * hours}
        return Scores({name: (value, value, value) for name, value in values.items()})


class Shop:
    advisor_name = "shop"

    @hookimpl
    def devices(self):
        return [Device(id=name, name=name.title(), vendor="toyco", kind="gpu", backend="counted", memory_gib=gib,
                       memory_bandwidth_gb_per_s=100, peak_tflops={"bf16": 10}, board_power_w=100, sources=SOURCES)
                for name, gib in (("small", 10), ("large", 80))]  # fmt: skip

    @hookimpl
    def systems(self):
        return [System(id=f"1x{name}", device=name, device_count=1, sources=SOURCES) for name in PRICES]

    @hookimpl
    def offers(self):
        return [Offer(id=f"shop/{name}/{area}", provider="shop", system=f"1x{name}", region=f"{area}-1",
                      areas=(area,), price_usd_per_hour=price * (0.5 if area == "us" else 1.0), sources=SOURCES)
                for name, price in PRICES.items() for area in ("eu", "us")]  # fmt: skip

    @hookimpl
    def models(self):
        return [ModelEntry(name, {"counted": True}) for name in ("counted/one", "counted/two")]

    @hookimpl
    def model_readers(self):
        return [Reader()]

    @hookimpl
    def backends(self):
        return [Counted()]

    @hookimpl
    def scorers(self):
        return [Bill()]
