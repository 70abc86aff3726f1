"""``vllm serve`` commands.

Options: https://docs.vllm.ai/en/latest/cli/serve/ (read 2026-11); schemes of quantized checkpoints:
https://docs.vllm.ai/projects/llm-compressor/en/latest/guides/compression_schemes/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Exporter
from advisor_exporters.command import Command, whole

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate

#: Weight techniques that need a checkpoint made beforehand, by the scheme that LLM Compressor calls it.
SCHEMES = {"int8": "W8A8", "smoothquant": "W8A8", "int4": "W4A16", "gptq": "W4A16", "w4a16": "W4A16",
           "awq": "W4A16_ASYM", "autoround": "W4A16", "fp8_channel": "FP8_DYNAMIC", "fp8_block": "FP8_BLOCK",
           "nvfp4": "NVFP4", "mxfp4": "MXFP4"}  # fmt: skip
CASTS = {"bf16": "bfloat16", "fp16": "float16"}


class Vllm(Exporter):
    """Launches an OpenAI-compatible server with the candidate's layout, formats and batch."""

    name = "vllm"
    doc = "a vllm serve command for a candidate that serves a generating language model"

    def export(self, candidate: Candidate, context: Context) -> str:
        if context.workload.trains or not context.model.generates:
            raise InputError("exporter vllm: expected a candidate that serves a generating model")
        command = Command(["vllm", "serve", candidate.model_name])
        self._compression(candidate, command)
        self._formats(candidate, command)
        self._layout(candidate, command)
        command.option("--max-num-seqs", whole(candidate.batch))
        workload = context.workload
        command.option("--max-model-len", workload.input_tokens + workload.output_tokens)
        command.comments.insert(0, f"{whole(candidate.column('device_count'))} x {candidate.device.name}")
        return command.text()

    def _compression(self, candidate: Candidate, command: Command) -> None:
        for slot in ("sparsity", "pruning"):
            label = candidate.recipe.get(slot)
            if label and label != "none":
                command.comments.append(f"{label}: serve the checkpoint that was pruned and retrained so")

    def _formats(self, candidate: Candidate, command: Command) -> None:
        weights = candidate.recipe.get("weights", "none").partition("=")[0]
        if weights in ("fp8", "fp8_weights"):
            command.option("--quantization", "fp8")
        elif weights in CASTS:
            command.option("--dtype", CASTS[weights])
        elif weights in SCHEMES:
            scheme = SCHEMES[weights]
            command.words[-1] = f"{candidate.model_name.rstrip('/')}-{scheme}"
            command.comments.append(f"made with LLM Compressor from {candidate.model_name}, scheme {scheme}")
        elif weights == "nf4":
            command.option("--quantization", "bitsandbytes")
        elif weights != "none":
            raise InputError(f"exporter vllm: {weights}: vLLM does not serve it well (exporter llama.cpp writes GGUF)")
        cache = candidate.recipe.get("cache", "none")
        if cache == "fp8_cache":
            command.option("--kv-cache-dtype", "fp8")
        elif cache != "none":
            raise InputError(f"exporter vllm: {cache}: expected fp8_cache (LMDeploy serves int8: --quant-policy 8)")

    def _layout(self, candidate: Candidate, command: Command) -> None:
        degrees = {name: whole(candidate.column(f"{name}_parallel")) for name in ("tensor", "pipeline", "data")}
        for name, value in degrees.items():
            if value > 1 or name == "tensor":
                command.option(f"--{name}-parallel-size", value)
        if candidate.column("expert_parallel") > 1:
            command.option("--enable-expert-parallel")
        nodes = whole(candidate.column("nodes"))
        if nodes > 1:
            command.option("--distributed-executor-backend", "ray")
            command.comments.append(f"start a Ray cluster over the {nodes} nodes first")
        units = whole(candidate.column("units"))
        if units > 1:
            command.comments.append(f"run {units} such servers behind a load balancer")
