"""``llama-quantize`` and ``llama-server`` commands.

Options: https://github.com/ggml-org/llama.cpp/tree/master/tools/server (read 2026-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Exporter
from advisor_exporters.command import Command, whole

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate

#: Caches that llama.cpp stores in one of its block formats.
CACHES = {"q8_0_cache": "q8_0", "q4_0_cache": "q4_0"}


class LlamaCpp(Exporter):
    """Converts the model to a GGUF file type and serves it."""

    name = "llama.cpp"
    doc = "llama-quantize and llama-server commands for a candidate that llama.cpp runs"

    def export(self, candidate: Candidate, context: Context) -> str:
        if context.workload.trains or not context.model.generates:
            raise InputError("exporter llama.cpp: expected a candidate that serves a generating model")
        weights = candidate.recipe.get("weights", "f16")
        if weights not in ("f16", "fp16", "bf16") and self.name not in candidate.frameworks:
            raise InputError(f"exporter llama.cpp: {weights}: expected a file type of GGUF (--technique q4_k_m)")
        made = "F16" if weights in ("f16", "fp16") else weights.upper()
        stem = candidate.model_name.rstrip("/").rsplit("/", 1)[-1]
        command = Command(["llama-server", "-m", f"{stem}-{made}.gguf"])
        command.comments.append(f"{whole(candidate.column('device_count'))} x {candidate.device.name}")
        command.comments.append(f"convert_hf_to_gguf.py {candidate.model_name} --outfile {stem}-F16.gguf")
        if made != "F16":
            command.comments.append(f"llama-quantize {stem}-F16.gguf {stem}-{made}.gguf {made}")
        cache = candidate.recipe.get("cache", "none")
        if cache in CACHES:
            command.option("--cache-type-k", CACHES[cache])
            command.option("--cache-type-v", CACHES[cache])
        elif cache != "none":
            raise InputError(f"exporter llama.cpp: {cache}: expected {' or '.join(CACHES)}")
        batch, workload = whole(candidate.batch), context.workload
        command.option("--n-gpu-layers", 999)
        command.option("--parallel", batch)
        command.option("--ctx-size", batch * (workload.input_tokens + workload.output_tokens))
        return command.text()
