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
ZERO_OFFLOAD = _source(
    "Ren et al., ZeRO-Offload: Democratizing Billion-Scale Model Training",
    "https://arxiv.org/abs/2101.06840", "2021-01-18")  # fmt: skip
ZERO_INFINITY = _source(
    "Rajbhandari et al., ZeRO-Infinity: Breaking the GPU Memory Wall for Extreme Scale Deep Learning",
    "https://arxiv.org/abs/2104.07857", "2021-04-16")  # fmt: skip
ACTIVATION_OFFLOAD = _source(
    "Rhu et al., vDNN: Virtualized Deep Neural Networks for Scalable, Memory-Efficient Neural Network Design",
    "https://arxiv.org/abs/1602.08124", "2016-02-25")  # fmt: skip
GPIPE = _source(
    "Huang et al., GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism",
    "https://arxiv.org/abs/1811.06965", "2018-11-16")  # fmt: skip
ZERO_BUBBLE = _source(
    "Qi et al., Zero Bubble Pipeline Parallelism",
    "https://arxiv.org/abs/2401.10241", "2023-11-30")  # fmt: skip
