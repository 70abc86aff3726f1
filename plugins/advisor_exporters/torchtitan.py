"""``torchrun`` commands that start torchtitan with a candidate's layout.

Options of torchtitan 0.2: https://github.com/pytorch/torchtitan/blob/v0.2.0/torchtitan/config/job_config.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Exporter
from advisor_exporters.command import Command, whole

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate

RECOMPUTE = {0: "none", 1: "selective", 2: "full"}


class Torchtitan(Exporter):
    """Launches full training of a language model; the run's own settings come from its job file."""

    name = "torchtitan"
    doc = "a torchrun command that trains a language model with torchtitan in the candidate's layout"

    def export(self, candidate: Candidate, context: Context) -> str:
        workload = context.workload
        if not workload.trains or context.model.unit != "token":
            raise InputError("exporter torchtitan: expected a candidate that trains a language model")
        adapters = candidate.recipe.get("adaptation", "none")
        if adapters != "none":
            raise InputError(f"exporter torchtitan: {adapters}: expected full training")
        nodes = whole(candidate.column("nodes"))
        devices = whole(candidate.column("device_count"))
        command = Command(["torchrun"], [f"{devices} x {candidate.device.name}: {candidate.model_name}",
                                         "set JOB_FILE to the model's job file"])  # fmt: skip
        command.option("--nnodes", nodes)
        command.option("--nproc-per-node", devices // nodes)
        command.option("-m", "torchtitan.train")
        command.options.append(("--job.config_file", "JOB_FILE"))
        self._layout(candidate, command)
        command.option("--training.local_batch_size", whole(candidate.column("micro_batch")))
        command.option("--training.global_batch_size", whole(candidate.column("global_batch")))
        command.option("--training.seq_len", whole(candidate.column("sequence_length")))
        command.option("--activation_checkpoint.mode", RECOMPUTE[round(candidate.column("recompute"))])
        if candidate.recipe.get("weights") == "fp8":
            command.option("--model.converters", "float8")
        return command.text()

    def _layout(self, candidate: Candidate, command: Command) -> None:
        replicas = whole(candidate.column("data_parallel"))
        shared = round(candidate.column("shard_stage"))
        degrees = {
            "data_parallel_replicate": 1 if shared else replicas,
            "data_parallel_shard": replicas if shared else 1,
            **{f"{name}_parallel": whole(candidate.column(f"{name}_parallel"))
               for name in ("tensor", "context", "pipeline", "expert")},
        }  # fmt: skip
        for name, value in degrees.items():
            command.option(f"--parallelism.{name}_degree", value)
        if shared in (1, 2):
            command.comments.append(f"torchtitan shares weights too (FSDP) where the candidate shares stage {shared}")
