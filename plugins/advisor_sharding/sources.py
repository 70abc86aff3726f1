"""Where the rules of the layouts come from."""

from __future__ import annotations

from datetime import date

from advisor.devices import Source


def _source(title: str, url: str, day: str) -> Source:
    return Source(title=title, url=url, date=date.fromisoformat(day))


MEGATRON = _source(
    "Shoeybi et al., Megatron-LM: Training Multi-Billion Parameter Language Models Using Model Parallelism",
    "https://arxiv.org/abs/1909.08053", "2019-09-17")  # fmt: skip
MEGATRON_CLUSTERS = _source(
    "Narayanan et al., Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM",
    "https://arxiv.org/abs/2104.04473", "2021-04-09")  # fmt: skip
VLLM_SCALING = _source(
    "vLLM documentation, parallelism and scaling",
    "https://docs.vllm.ai/en/latest/serving/parallelism_scaling/", "2026-11-24")  # fmt: skip
ZERO = _source(
    "Rajbhandari et al., ZeRO: Memory Optimizations Toward Training Trillion Parameter Models",
    "https://arxiv.org/abs/1910.02054", "2019-10-04")  # fmt: skip
FSDP = _source(
    "Zhao et al., PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel",
    "https://arxiv.org/abs/2304.11277", "2023-04-21")  # fmt: skip
DEEPSPEED_PIPELINE = _source(
    "DeepSpeed documentation, pipeline parallelism",
    "https://www.deepspeed.ai/tutorials/pipeline/", "2026-11-24")  # fmt: skip
RECOMPUTATION = _source(
    "Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models",
    "https://arxiv.org/abs/2205.05198", "2022-05-10")  # fmt: skip
CHECKPOINTING = _source(
    "Chen et al., Training Deep Nets with Sublinear Memory Cost",
    "https://arxiv.org/abs/1604.06174", "2016-04-21")  # fmt: skip
GSHARD = _source(
    "Lepikhin et al., GShard: Scaling Giant Models with Conditional Computation and Automatic Sharding",
    "https://arxiv.org/abs/2006.16668", "2020-06-30")  # fmt: skip
RING_ATTENTION = _source(
    "Liu et al., Ring Attention with Blockwise Transformers for Near-Infinite Context",
    "https://arxiv.org/abs/2310.01889", "2023-10-03")  # fmt: skip
LLAMA3 = _source(
    "Llama Team, The Llama 3 Herd of Models, section 3.3.2",
    "https://arxiv.org/abs/2407.21783", "2024-07-31")  # fmt: skip
