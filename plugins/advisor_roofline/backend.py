"""A backend that estimates by roofline: a subclass says what its devices are like."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Backend
from advisor_roofline.goodput import fill_goodput
from advisor_roofline.kernels import Work
from advisor_roofline.machine import Machine
from advisor_roofline.memory import fill_memory
from advisor_roofline.power import mean_power, under_cap
from advisor_roofline.serving import LOAD_COLUMNS, served
from advisor_roofline.step import PARTS, StepTime, forward_time
from advisor_roofline.training import training_step

#: Half-width of an 80 % interval of a normal distribution, in standard deviations.
Z80 = 1.2816
#: First-token times scatter so many times as much as per-token times (tests/truth/serve_nvidia.csv).
FIRST_TOKEN_SPREAD = 2.3
#: The same of throughput over a whole run (tests/truth/serve_tensorrt_llm.csv): with the batch that an engine reached,
#: which sources rarely say, and the start and end of the run.
THROUGHPUT_SPREAD = 1.6


class RooflineBackend(Backend):
    """Estimates memory, time and power from ``machine``'s rates and fixed times."""

    columns = LOAD_COLUMNS

    @abstractmethod
    def machine(self, rows: Candidates, context: Context) -> Machine:
        """Describe the device of every row."""

    def memory(self, rows: Candidates, context: Context) -> None:
        """Set the memory columns."""
        fill_memory(rows, context, self.machine(rows, context))

    def estimate(self, rows: Candidates, context: Context) -> None:
        """Set the time and power columns."""
        machine = under_cap(self.machine(rows, context), rows)
        if context.workload.trains:
            self._train(rows, context, machine)
        elif context.model.generates:
            self._generate(rows, context, machine)
        else:
            self._infer(rows, context, machine)

    def at_load(self, rows: Candidates, context: Context, share: float) -> None:
        """Set the latencies that ``share`` of the requests stay below at the load of each row."""
        from advisor_roofline.load import at_load, describe_replicas, describe_servers

        if "places" not in rows:
            describe = describe_replicas if context.model.generates else describe_servers
            describe(rows, context, self.machine(rows, context))
        for name, seconds in at_load(rows, context, share).items():
            factor = rows[f"{name}.high"] / rows[name]
            rows.set_interval(name, seconds, seconds / factor, seconds * factor)

    def bearable_load(
        self, rows: Candidates, context: Context, share: float, bounds: Mapping[str, float]
    ) -> Array | None:
        """The largest load at which ``share`` of the requests keep within the bounds."""
        from advisor_roofline.load import bearable_load

        return bearable_load(rows, context, share, bounds)

    def _generate(self, rows: Candidates, context: Context, machine: Machine) -> None:
        answer = served(rows, context, machine)
        output = np.maximum(rows["output_tokens"], 1)
        _spread(rows, "time_to_first_token", answer.first_token, machine.spread * FIRST_TOKEN_SPREAD)
        _spread(rows, "time_per_output_token", answer.per_token, machine.spread)
        _spread(rows, "request_latency", answer.first_token + (output - 1) * answer.per_token, machine.spread)
        _spread(rows, "samples_per_s", answer.samples_per_s, machine.spread * THROUGHPUT_SPREAD)
        rows["prefill_time"] = answer.prefill.total
        prefills = rows["batch"] / rows["pipeline_parallel"] / output
        mixed = answer.decode + answer.prefill.scaled(prefills)
        self._finish(rows, context, machine, answer.decode, mixed)
        together = np.maximum(rows["batch"] / rows["pipeline_parallel"], 1)
        flops = answer.prefill.flops + answer.decode.flops * output / together
        rows["flops_per_sample"] = _device_flops(rows, flops)

    def _infer(self, rows: Candidates, context: Context, machine: Machine) -> None:
        """One pass over a batch: networks that answer at once."""
        length = rows["sequence_length"] if context.model.unit == "token" else np.ones(len(rows))
        batch = rows["batch"]
        step = forward_time(rows, context, machine, Work(batch * length, length, batch, False))
        _spread(rows, "request_latency", step.total, machine.spread)
        rate = rows["data_parallel"] * batch * rows["pipeline_parallel"] / step.total
        _spread(rows, "samples_per_s", rate, machine.spread)
        self._finish(rows, context, machine, step, step)
        rows["flops_per_sample"] = _device_flops(rows, step.flops / batch)

    def _train(self, rows: Candidates, context: Context, machine: Machine) -> None:
        step = training_step(rows, context, machine)
        _spread(rows, "samples_per_s", rows["global_batch"] / step.total, machine.spread)
        self._finish(rows, context, machine, step, step)
        rows["flops_per_sample"] = step.flops * rows["device_count"] / rows["global_batch"]
        fill_goodput(rows, machine)

    def _finish(self, rows: Candidates, context: Context, machine: Machine, step: StepTime, mixed: StepTime) -> None:
        """Set the step with its parts, and the mean power of the unit's devices over ``mixed``."""
        _spread(rows, "step_time", step.total, machine.spread)
        for part in PARTS:
            rows[f"time_{part}"] = getattr(step, part)
        power = mean_power(mixed, machine, rows, self.name) * rows["device_count"]
        rows.set_interval("power", power, power * 0.8, power * 1.2)


def _device_flops(rows: Candidates, flops: Array) -> Array:
    return flops * rows["tensor_parallel"] * rows["pipeline_parallel"]


def _spread(rows: Candidates, name: str, value: Array, sigma: Array) -> None:
    """Set an interval column with a log-normal error of standard deviation ``sigma``."""
    factor = np.exp(Z80 * sigma)
    rows.set_interval(name, value, value / factor, value * factor)
