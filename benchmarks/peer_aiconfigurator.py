"""Ask aiconfigurator for times to first and per further token; runs in an environment that has it, alone.

    PATH/TO/PYTHON benchmarks/peer_aiconfigurator.py < rows.json > answers.json

Rows are objects in the measurement schema; each answer has ``ttft_ms, tpot_ms, seconds`` or ``reason``. Nothing of
the advisor is imported. Called by benchmarks/peers.py.

Choices, each the better one for the peer where two were tried: its newest measured database of each framework (it
accepts no older one); its own checkpoint of the format where it ships one, so that what stays in a wider format, and
the cache, are as it knows them; a name that it lacks becomes a checkpoint of the same shape. Mode SILICON, its
default, which uses measured kernels alone; HYBRID answered none of the rows that this mode refused.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
import time
from typing import Any

SYSTEMS = {
    "nvidia-b200-sxm-180gb": "b200_sxm",
    "nvidia-h100-sxm-80gb": "h100_sxm",
    "nvidia-h200-sxm-141gb": "h200_sxm",
}
#: Model to the names of checkpoints by weight format; "" where the format must be set on top.
CHECKPOINTS = {
    "meta-llama/Llama-3.1-8B-Instruct": {"": "meta-llama/Meta-Llama-3.1-8B"},
    "nvidia/Llama-3.1-8B-Instruct-FP8": {"": "meta-llama/Meta-Llama-3.1-8B"},
    "meta-llama/Llama-3.1-70B": {"fp8": "nvidia/Llama-3.1-70B-Instruct-FP8", "": "meta-llama/Meta-Llama-3.1-70B"},
    "deepseek-ai/DeepSeek-R1": {"fp8": "deepseek-ai/DeepSeek-R1", "nvfp4": "nvidia/DeepSeek-V3.1-NVFP4"},
    "nvidia/DeepSeek-R1-NVFP4": {"nvfp4": "nvidia/DeepSeek-V3.1-NVFP4"},
    "nvidia/DeepSeek-V3.1-NVFP4": {"nvfp4": "nvidia/DeepSeek-V3.1-NVFP4"},
    "deepseek-ai/DeepSeek-V3": {"fp8": "deepseek-ai/DeepSeek-V3", "nvfp4": "nvidia/DeepSeek-V3.1-NVFP4"},
    "zhipuai/GLM-5": {"bf16": "zai-org/GLM-5", "fp8": "zai-org/GLM-5-FP8", "nvfp4": "nvidia/GLM-5-NVFP4"},
    "Qwen/Qwen3-235B-A22B-FP8": {"fp8": "Qwen/Qwen3-235B-A22B-FP8", "nvfp4": "nvidia/Qwen3-235B-A22B-NVFP4"},
    "Qwen/Qwen3.5-397B-A17B": {"bf16": "Qwen/Qwen3.5-397B-A17B", "nvfp4": "nvidia/Qwen3.5-397B-A17B-NVFP4"},
    "moonshotai/Kimi-K2.5": {"int4": "moonshotai/Kimi-K2.5", "nvfp4": "nvidia/Kimi-K2.5-NVFP4"},
}
#: Weight format to the names of its product and expert formats.
FORMATS = {
    "fp8": ("fp8", "fp8_block"),
    "nvfp4": ("nvfp4", "nvfp4"),
    "bf16": ("bfloat16", "bfloat16"),
    "int4": ("int4_wo", "int4_wo"),
}
#: What the checkpoints that were served say, where it ships none of the kind.
EXTRA = {
    ("meta-llama/Llama-3.1-70B", "nvfp4"): {"kvcache_quant_mode": "fp8"},
    ("nvidia/Llama-3.1-8B-Instruct-FP8", "fp8"): {"gemm_quant_mode": "fp8_static", "kvcache_quant_mode": "fp8"},
}


def arguments(row: dict[str, str]) -> dict[str, Any]:
    """The keywords of ``cli_estimate`` for a row."""
    names = CHECKPOINTS.get(row["model"], {})
    own = names.get(row["weights_dtype"])
    tensor, experts = int(row["tp"]), int(row["ep"])
    answer: dict[str, Any] = {
        "model_path": own or names.get("") or next(iter(names.values()), row["model"]),
        "system_name": SYSTEMS[row["device"]],
        "backend_name": row["framework"].split()[0].replace("tensorrt-llm", "trtllm"),
        "isl": int(row["input_tokens"]),
        "osl": int(row["output_tokens"]),
        "batch_size": max(1, int(row["concurrency"]) // int(row["dp"])),
        "tp_size": tensor,
        "pp_size": int(row["pp"]),
        "moe_tp_size": max(1, tensor // experts),
        "moe_ep_size": experts,
    }
    if own is None:
        answer["gemm_quant_mode"], answer["moe_quant_mode"] = FORMATS[row["weights_dtype"]]
    return answer | EXTRA.get((row["model"], row["weights_dtype"]), {})


def answered(row: dict[str, str], estimate: Any) -> dict[str, Any]:
    """Ask once."""
    begun = time.perf_counter()
    try:
        found = estimate(**arguments(row))
    except Exception as error:  # the peer raises whatever its tables raise; the text is the reason
        return {"reason": f"{type(error).__name__}: {error}".split("\n")[0][:160]}
    seconds = time.perf_counter() - begun
    return {"ttft_ms": float(f"{found.ttft:.5g}"), "tpot_ms": float(f"{found.tpot:.5g}"), "seconds": seconds}


def main() -> None:
    """Answer all rows."""
    logging.disable(logging.WARNING)
    from aiconfigurator.cli.api import cli_estimate
    from aiconfigurator.sdk import perf_database

    # It parses some hundred YAML files at every call to find its newest version: remembered, so that its time is fair.
    perf_database.get_latest_database_version = functools.cache(perf_database.get_latest_database_version)
    rows = json.load(sys.stdin)
    answers = []
    for number, row in enumerate(rows):
        answers.append(answered(row, cli_estimate))
        if number % 100 == 0:
            print(f"aiconfigurator: {number} of {len(rows)}", file=sys.stderr, flush=True)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
